"""``timbra verify``: what is true about CFDI files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import make_url

from timbra.catalogs.compile import DataDamagedError
from timbra.catalogs.load import SatData, load
from timbra.catalogs.published import BadCatalogs
from timbra.cfdi import certificate
from timbra.cfdi.certificate import CredentialRefused
from timbra.cfdi.verify import Verdict
from timbra.cfdi.verify import verify as verify_document
from timbra.cli import startup
from timbra.platform import json, migrate
from timbra.platform.config import Settings
from timbra.platform.db import DatabaseUnavailable
from timbra.wiring import Wiring

FAULTY = 1
UNREADABLE = 2


def verify(
    files: Annotated[list[Path], typer.Argument(help="XML files.", show_default=False)],
    pac_certificate: Annotated[
        list[Path] | None, typer.Option(help="Certificate (.cer) of a PAC, to check its timbres; may be repeated.")
    ] = None,
) -> None:
    """Check CFDI files and print one line of JSON for each.

    Checked are the XML's form, SAT's schema, the seal over the cadena original, the timbre, and the rules of SAT's
    matrix of errors. Nothing is sent anywhere: `"valid": true` does not say that SAT knows the document. A timbre by a
    PAC whose certificate is not at hand reads `unknown_certificate` and counts as valid.

    The exit code is 0 when every file is valid, 1 when one is not, 2 when one cannot be read.
    """
    found = startup.settings()
    certificates = _sandbox_certificates(found) | _certificates(pac_certificate or ())
    data = _sat_data(found)
    worst = 0
    for path in files:
        try:
            xml = path.read_bytes()
        except OSError as error:
            line: dict[str, Any] = {"file": str(path), "valid": False, "refused": error.strerror}
            worst = UNREADABLE
        else:
            verdict = verify_document(xml, data, pac_certificates=certificates)
            line = {"file": str(path), **_facts(verdict)}
            worst = max(worst, 0 if verdict.valid else FAULTY)
        typer.echo(json.dumps(line).decode())
    raise typer.Exit(worst)


def _sat_data(found: Settings) -> SatData:
    try:
        return load(found.data_dir, found.catalog_path)
    except (BadCatalogs, DataDamagedError) as error:
        startup.fail(f"SAT's catalogues: {error}", code=UNREADABLE)


def _facts(verdict: Verdict) -> dict[str, Any]:
    if verdict.refused is not None:
        return {"valid": False, "refused": verdict.refused}
    return {
        "valid": verdict.valid,
        "kind": verdict.kind,
        "uuid": verdict.uuid,
        "schema": verdict.schema,
        "seal": verdict.seal,
        "timbre": verdict.timbre,
        "findings": [
            {"code": one.code, "path": one.path, "message": one.message, "fix": one.fix, "level": one.level}
            for one in verdict.findings
        ],
        "cadena": verdict.cadena,
    }


def _sandbox_certificates(found: Settings) -> dict[str, bytes]:
    """Of this server's own sandbox PAC, when there is a database to take them from."""
    if found.is_embedded and not Path(make_url(found.url).database or "").exists():
        return {}
    house = Wiring(found)
    try:
        return dict(house.sandbox_side.certificates) if migrate.is_current(house.database) else {}
    except (DatabaseUnavailable, migrate.DatabaseNewer):
        return {}
    finally:
        house.close()


def _certificates(paths: Iterable[Path]) -> dict[str, bytes]:
    """DER by certificate number; the command ends at a file that is no certificate."""
    read = {}
    for path in paths:
        try:
            facts = certificate.read(path.read_bytes())
        except (OSError, CredentialRefused) as error:
            startup.fail(f"{path} is not a certificate: {error}", code=UNREADABLE)
        read[facts.number] = facts.der
    return read
