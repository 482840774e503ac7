"""Whether an evidence bundle proves what it says, offline: hashes, seals, timbre, acuse, ledger and audit rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from timbra.cfdi import certificate, timbre, verify, xmldsig
from timbra.cfdi.cancellation import CancellationRefused, read_acuse
from timbra.cfdi.certificate import CredentialRefused
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.timbre import TimbreRefused
from timbra.cfdi.verify import SatData
from timbra.cfdi.xmldsig import SignatureRefused
from timbra.evidence.bundle import Bundle
from timbra.platform import audit, json
from timbra.platform.json import JsonRefused

LIMIT_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. problem: None when it holds."""

    what: str
    problem: str | None = None


def check(bundle: Bundle, data: SatData) -> list[Finding]:
    """Everything that was looked at. Never raises for what the bundle holds."""
    found = [Finding("manifest, hashes and signature", "; ".join(bundle.faults) or None)]
    found += _documents(bundle, data)
    found += _acuses(bundle)
    found.append(Finding("ledger.json: numbers, and the stamp it tells of", _ledger(bundle)))
    found.append(Finding("audit.json: every hash covers its row", _audit(bundle)))
    return found


def _documents(bundle: Bundle, data: SatData) -> Iterator[Finding]:
    certificates = _pac_certificates(bundle)
    stamped = sorted(name for name in bundle.files if name.startswith("documents/stamped-"))
    if not stamped and bundle.manifest.get("uuid") is not None:
        yield Finding("documents/stamped", "a stamped document is promised and not there")
    for name in stamped:
        verdict = verify.verify(bundle.files[name], data, pac_certificates=certificates)
        yield Finding(f"{name}: form, seal and timbre", _verdict_problem(verdict, bundle))
        yield Finding(f"{name}: is the document that was sealed", _sealed_problem(bundle, name, certificates))


def _verdict_problem(verdict: verify.Verdict, bundle: Bundle) -> str | None:
    if verdict.refused is not None:
        return verdict.refused
    if (verdict.uuid or "").lower() != bundle.manifest.get("uuid"):
        return "its UUID is not the one of the manifest"
    if verdict.seal is not verify.Check.VALID:
        return f"seal: {verdict.seal}"
    if verdict.timbre is not verify.Check.VALID:
        return f"timbre: {verdict.timbre}"
    return "; ".join(verdict.schema[:3]) or None


def _sealed_problem(bundle: Bundle, name: str, certificates: Mapping[str, bytes]) -> str | None:
    sealed = bundle.files.get(name.replace("stamped", "sealed"))
    if sealed is None:
        return "the sealed bytes are not there"
    try:
        timbre.check(bundle.files[name], sealed, pac_certificates=certificates, used=lambda _: False)
    except (TimbreRefused, ValueError) as refused:
        return str(refused)
    return None


def _pac_certificates(bundle: Bundle) -> dict[str, bytes]:
    found = {}
    for name, content in bundle.files.items():
        if name.startswith("certificates/pac-"):
            try:
                facts = certificate.read(content)
            except CredentialRefused:
                continue
            found[facts.number] = facts.der
    return found


def _acuses(bundle: Bundle) -> Iterator[Finding]:
    for name in sorted(name for name in bundle.files if name.startswith("documents/acuse-")):
        yield Finding(f"{name}: signature, and the document it names", _acuse_problem(bundle, bundle.files[name]))


def _acuse_problem(bundle: Bundle, content: bytes) -> str | None:
    try:
        xmldsig.verified(parse(content, limit=LIMIT_BYTES))
        named = {folio.uuid.lower() for folio in read_acuse(content).folios}
    except (XmlRefused, SignatureRefused, CancellationRefused, CredentialRefused) as refused:
        return str(refused)
    return None if bundle.manifest.get("uuid") in named else "it names another document"


def _ledger(bundle: Bundle) -> str | None:
    lines = _rows(bundle, "ledger.json")
    if lines is None:
        return "is not a list of attempts"
    if [line.get("number") for line in lines] != list(range(1, len(lines) + 1)):
        return "an attempt is missing"
    stamps = {line.get("detail") for line in lines if line.get("call") == "stamp" and line.get("outcome") == "stamped"}
    uuid = bundle.manifest.get("uuid")
    return "it does not tell of the stamp" if uuid is not None and uuid not in stamps else None


def _audit(bundle: Bundle) -> str | None:
    rows = _rows(bundle, "audit.json")
    if not rows:
        return "there are no rows"
    for row in rows:
        try:
            before, told = bytes.fromhex(row["before"]), row["hash"]
            if audit.chained(before, row).hex() != told:
                return f"row {row['seq']} does not have the hash it is told to have"
        except (KeyError, TypeError, ValueError):
            return "a row cannot be read"
    return None


def _rows(bundle: Bundle, name: str) -> list[dict[str, Any]] | None:
    try:
        rows = json.loads(bundle.files.get(name, b""))
    except JsonRefused:
        return None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None
