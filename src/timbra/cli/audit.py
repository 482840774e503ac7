"""``timbra audit``: read the audit log and prove that nobody edited it."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from timbra.cli.house import opened
from timbra.platform import audit as log
from timbra.platform import audit_check

audit = typer.Typer(help="Read the audit log, and prove that nobody edited it.", no_args_is_help=True)


@audit.command("verify")
def verify() -> None:
    """Recompute every chain and compare its end with the anchors; names the first bad row of each team."""
    with opened() as house:
        verdict = audit_check.verify(house.database, house.anchors)
    for fault in verdict.faults:
        print(f"team {fault.team_id}: row {fault.seq} {fault.reason}")
    print(f"{verdict.rows} rows of {verdict.teams} teams read, {len(verdict.faults)} faults")
    if verdict.faults:
        raise typer.Exit(1)


@audit.command("list")
def list_rows(
    team_id: Annotated[str, typer.Argument(help="team_…")],
    after: Annotated[int, typer.Option(help="begin behind this row number")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many rows")] = 100,
) -> None:
    """Print rows of a team in order: number, time, who, what, on which object, outcome, changes."""
    with opened() as house:
        rows = house.database.read_sync(lambda tx: list(log.rows_of(tx, team_id, after=after, limit=limit)))
    for row in rows:
        at = datetime.fromtimestamp(row["at_ms"] // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        who = row["key_id"] or row["user_id"] or "server"
        mode = "live" if row["livemode"] else "test"
        print(
            f"{row['seq']}  {at}  {mode}  {who}  {row['action']}  {row['resource_id']}  {row['outcome']}  {row['changes']}"
        )
