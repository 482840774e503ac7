"""``timbra pac test``: what it tells of an honest provider, and of ones that are not."""

import asyncio
from typing import Any

from timbra.credentials.csd import CsdSigner
from timbra.invoices.trial import Bench, Step, issuer_of, trial
from timbra.pac.port import Abilities, Ability, Busy, CancelAccepted, Dedup, NotThere, Rejected, Stamped, Unknown
from timbra.teams import store
from world import World


class Provider:
    """The sandbox behind a provider's manners. ``says``: outcomes that come before the honest one, by call."""

    name = "finkok"

    def __init__(self, world: World, abilities: Abilities, **says: list[Any]) -> None:
        self.honest: Any = world.parts.test.pacs[0]
        self.abilities, self.says = abilities, says

    def __getattr__(self, call: str) -> Any:
        async def asked(*given: Any, **named: Any) -> Any:
            early = self.says.get(call, [])
            return early.pop(0) if early else await getattr(self.honest, call)(*given, **named)

        return asked


ALL = Abilities(Dedup.BY_XML, frozenset({Ability.RECOVER, Ability.CANCEL}))


def run(world: World, abilities: Abilities = ALL, *, knows_pac: bool = True, **says: list[Any]) -> list[Step]:
    signer: CsdSigner | None = world.run(world.parts.signers.signer_for(world.scope))
    team = world.database.read_sync(lambda tx: store.team(tx, world.team_id))
    assert signer is not None
    assert team is not None
    issuer = issuer_of(team, signer)
    assert issuer is not None
    certificates = world.parts.test.certificates if knows_pac else {}
    bench = Bench(world.clock, world.sat, signer, issuer, certificates, pauses_s=(0.0, 0.0))

    async def steps() -> list[Step]:
        return [step async for step in trial(bench, Provider(world, abilities, **says))]  # type: ignore[arg-type]

    return list(world.loop.run_until_complete(asyncio.wait_for(steps(), 20)))


def verdicts(steps: list[Step]) -> list[tuple[str, bool]]:
    return [(step.name, step.is_good) for step in steps]


def test_an_honest_provider_passes_every_step_and_nothing_is_stored(world: World) -> None:
    before = {table: world.rows(table) for table in ("invoices", "events", "audit_log", "stamp_attempts")}

    steps = run(world)

    assert verdicts(steps) == [("stamp", True), ("check", True), ("repeat", True), ("find", True), ("cancel", True)]
    assert {table: world.rows(table) for table in before} == before
    assert world.rows("sandbox_stamps") == 1


def test_a_lost_answer_is_collected(world: World) -> None:
    steps = run(world, stamp=[Unknown("lost")], find=[Unknown("silent")])

    assert verdicts(steps)[0] == ("stamp", False)  # the sandbox never heard of it: find denies, which ends the trial
    assert steps[0].says == "not_there"


def test_a_fresh_205_is_asked_again(world: World) -> None:
    steps = run(world, cancel=[Rejected("205", "UUID no encontrado")])

    assert steps[-1].name == "cancel"
    assert steps[-1].is_good


def test_a_provider_that_refuses_or_is_away(world: World) -> None:
    assert run(world, stamp=[Rejected("CFDI40147", "El campo")]) == [
        Step("stamp", False, "rejected: CFDI40147 El campo")
    ]
    assert run(world, stamp=[Busy("not reached")]) == [Step("stamp", False, "busy: not reached")]


def test_another_document_is_told(world: World) -> None:
    stamped = world.xml(world.issue()["uuid"])

    [stamp, check] = run(world, stamp=[Stamped(stamped)])

    assert stamp.is_good
    assert not check.is_good


def test_a_second_stamp_for_the_same_bytes_is_a_warning(world: World) -> None:
    other = world.xml(world.issue()["uuid"])

    steps = run(world, find=[Stamped(other)])

    told = next(step for step in steps if step.name == "find")
    assert not told.is_good
    assert told.says.startswith("ANOTHER stamp")


def test_an_unpublished_certificate_is_no_fault(world: World) -> None:
    steps = run(world, knows_pac=False)

    assert all(step.is_good for step in steps)
    assert "was not judged" in steps[1].says


def test_only_what_is_declared_is_tried(world: World) -> None:
    steps = run(world, Abilities(Dedup.NONE), find=[NotThere()], cancel=[CancelAccepted("201", b"")])

    assert [step.name for step in steps] == ["stamp", "check"]
