"""The validation of a client's fiscal data (contract clients.md section 5): local checks, and the comparison with a register.

What a register says comes in as ``Found``: from the table of test taxpayers here, or from whoever was asked elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from timbra.catalogs.address import MEXICO
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.codes import GENERIC_REGIME, NO_EFFECTS_USE, use_allowed
from timbra.cfdi.test_taxpayers import REGISTER as TEST_REGISTER
from timbra.cfdi.test_taxpayers import Register
from timbra.cfdi.text import name_on_cfdi, rfc_check_digit, rfc_check_digit_ok, rfc_kind, same_name
from timbra.clients.model import Client, regime_problem

NO_PREFERENCE: Final = "P01"
USUAL_USE: Final = "G03"
NAME_MAX: Final = 300
REGISTER: Final = "register."
NEEDED: Final = ("tax_id", "legal_name", "address.zip", "tax_system")
NOBODY: Final[Register] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """One row. ``ok`` None: could not be checked; ``message`` says why or what was found.

    fix: a value that would pass where this one does not; None when nobody can propose one.
    """

    field: str
    ok: bool | None
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is stored with the client, and the rows it follows from."""

    status: str
    message: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A register's word on one field: whether the value given is its own, and its own where it tells."""

    is_equal: bool | None
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A register's word on a taxpayer."""

    name: Found
    zip: Found
    regime: Found


def offline(client: Client, catalogs: Catalogs, *, keep_full_legal_name: bool) -> Verdict:
    """The verdict of the embedded provider: SAT's rules and, in test mode, the register of test taxpayers.

    keep_full_legal_name: the team's setting; the client's own, when it has one, wins.
    """
    name = printed_name(client, keep_full_legal_name=keep_full_legal_name)
    register = NOBODY if client.livemode else TEST_REGISTER
    return judge(client, catalogs, name, known(register, client, name))


def printed_name(client: Client, *, keep_full_legal_name: bool) -> str:
    """The client's name on a CFDI, "" without one. keep_full_legal_name: as for ``offline``."""
    own = client.defaults["keep_full_legal_name"]
    return name_on_cfdi(client.legal_name, client.tax_id or "", keep_full_legal_name if own is None else own)


def known(register: Register, client: Client, name: str) -> Registered | None:
    """What a table of taxpayers says of the client; None when it does not know the RFC."""
    row = register.get(client.tax_id or "")
    if row is None:
        return None
    zip_code, regime = client.address.zip, client.tax_system
    return Registered(
        Found(same_name(name, row.name) if name else None, row.name),
        Found(None if zip_code is None else zip_code in row.zips, min(row.zips)),
        Found(None if regime is None else regime in row.regimes, min(row.regimes)),
    )


def judge(
    client: Client, catalogs: Catalogs, name: str, registered: Registered | None, *, is_unknown: bool = False
) -> Verdict:
    """The verdict of the local checks and the register at hand, None when it has no word on the client.

    is_unknown: a register of all taxpayers was asked and has no such RFC.
    """
    checks = (*_local(client, name, catalogs, registered), *_against(registered))
    if is_unknown:
        gone = Check("tax_id", False, "the SAT register has no such RFC")
        checks = tuple(gone if row.field == "tax_id" else row for row in checks)
    return _verdict(client, checks)


def _local(client: Client, name: str, catalogs: Catalogs, registered: Registered | None) -> Iterator[Check]:
    is_abroad = client.address.country not in (None, MEXICO)
    kind = rfc_kind(client.tax_id) if client.tax_id and (is_generic(client) or not is_abroad) else None
    own = registered or Registered(Found(None), Found(None), Found(None))
    yield Check("tax_id", None, "not checked") if is_abroad else _tax_id(client.tax_id)
    yield _legal_name(name, own.name.own)
    yield Check("address.zip", None, "not checked") if is_abroad else _zip(client.address.zip, catalogs, own.zip.own)
    yield _regime(client.tax_system, kind, own.regime.own)
    yield _use(client.use, client.tax_system, kind)


def _tax_id(tax_id: str | None) -> Check:
    if tax_id is None:
        return Check("tax_id", None, "absent")
    if rfc_check_digit_ok(tax_id):
        return Check("tax_id", True, "Well formed; check digit correct")
    digit = rfc_check_digit(tax_id[:-1])
    return Check("tax_id", False, f"the check digit should be {digit}", tax_id[:-1] + digit)


def _legal_name(name: str, own: str | None) -> Check:
    if not name:
        return Check("legal_name", None, "absent")
    if len(name) > NAME_MAX:
        return Check("legal_name", False, f"has more than {NAME_MAX} characters", own)
    return Check("legal_name", True, f"On a CFDI: {name}")


def _zip(zip_code: str | None, catalogs: Catalogs, own: str | None) -> Check:
    if zip_code is None:
        return Check("address.zip", None, "absent")
    if catalogs.zip_exists(zip_code):
        return Check("address.zip", True, "In the SAT catalogue")
    return Check("address.zip", False, "is not in the SAT catalogue of postal codes", own)


def _regime(regime: str | None, kind: str | None, own: str | None) -> Check:
    if regime is None:
        return Check("tax_system", None, "absent")
    if _is_generic(kind):
        is_right = regime == GENERIC_REGIME
        message = "In force" if is_right else f"a generic RFC has the regime {GENERIC_REGIME}"
        return Check("tax_system", is_right, message, None if is_right else GENERIC_REGIME)
    problem = regime_problem(regime, kind)
    return Check("tax_system", False, problem[1], own) if problem else Check("tax_system", True, "In force")


def _use(use: str | None, regime: str | None, kind: str | None) -> Check:
    if use is None or use == NO_PREFERENCE:
        return Check("use", None, "no preference")
    if _is_generic(kind):
        is_right = use == NO_EFFECTS_USE
        message = "Allowed" if is_right else f"a generic RFC has the use {NO_EFFECTS_USE}"
        return Check("use", is_right, message, None if is_right else NO_EFFECTS_USE)
    if regime is None:
        return Check("use", None, "not checked without tax_system")
    if use_allowed(use, regime, kind or ""):
        return Check("use", True, "Allowed")
    fix = next((code for code in (USUAL_USE, NO_EFFECTS_USE) if use_allowed(code, regime, kind or "")), None)
    return Check("use", False, f"{use} is not allowed for the regime {regime}", fix)


def _is_generic(kind: str | None) -> bool:
    return kind in ("generic", "foreign")


def is_generic(client: Client) -> bool:
    """True for the RFCs of the national public and of foreigners, which no register knows."""
    return client.tax_id is not None and _is_generic(rfc_kind(client.tax_id))


def _against(registered: Registered | None) -> Iterator[Check]:
    if registered is None:
        return
    yield _compared("legal_name", "name", registered.name)
    yield _compared("address.zip", "postal code", registered.zip)
    yield _compared("tax_system", "regime", registered.regime)


def _compared(field: str, word: str, found: Found) -> Check:
    if found.is_equal is None:
        return Check(REGISTER + field, None, "absent")
    if found.is_equal:
        return Check(REGISTER + field, True, f"Equal to the SAT register's {word}")
    return Check(REGISTER + field, False, f"the SAT register has another {word} for this RFC", found.own)


def _verdict(client: Client, checks: tuple[Check, ...]) -> Verdict:
    wrong = next((check for check in checks if check.ok is False), None)
    if wrong is not None:
        return Verdict("invalid", f"{wrong.field.removeprefix(REGISTER)}: {wrong.message}", checks)
    registered = [check.ok for check in checks if check.field.startswith(REGISTER)]
    if (registered and all(registered)) or is_generic(client):
        return Verdict("valid", "Matches the SAT register", checks)
    missing = _missing(client)
    if missing:
        return Verdict("unverified", f"Incomplete: {', '.join(missing)}", checks)
    return Verdict("unverified", "Local checks passed; not compared with the SAT register", checks)


def _missing(client: Client) -> list[str]:
    values = {
        "tax_id": client.tax_id,
        "legal_name": client.legal_name,
        "address.zip": client.address.zip,
        "tax_system": client.tax_system,
    }
    needed = ("legal_name",) if client.is_foreign else NEEDED
    return [field for field in needed if values[field] is None]
