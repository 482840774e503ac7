"""The offline validation of a client's fiscal data (contract clients.md section 5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from timbra.catalogs.address import MEXICO
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.codes import GENERIC_REGIME, NO_EFFECTS_USE, use_allowed
from timbra.cfdi.test_taxpayers import REGISTER as TEST_REGISTER
from timbra.cfdi.test_taxpayers import Register, Taxpayer
from timbra.cfdi.text import name_on_cfdi, rfc_check_digit, rfc_check_digit_ok, rfc_kind, same_name
from timbra.clients.model import Client, regime_problem

NO_PREFERENCE: Final = "P01"
NAME_MAX: Final = 300
REGISTER: Final = "register."
NEEDED: Final = ("tax_id", "legal_name", "address.zip", "tax_system")
NOBODY: Final[Register] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """One row. ``ok`` None: could not be checked; ``message`` says why or what was found."""

    field: str
    ok: bool | None
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is stored with the client, and the rows it follows from."""

    status: str
    message: str
    checks: tuple[Check, ...]


def offline(client: Client, catalogs: Catalogs, *, keep_full_legal_name: bool) -> Verdict:
    """The verdict of the embedded provider: SAT's rules and, in test mode, the register of test taxpayers.

    keep_full_legal_name: the team's setting; the client's own, when it has one, wins.
    """
    own = client.defaults["keep_full_legal_name"]
    name = name_on_cfdi(client.legal_name, client.tax_id or "", keep_full_legal_name if own is None else own)
    register = NOBODY if client.livemode else TEST_REGISTER
    checks = (*_local(client, name, catalogs), *_against(register, client, name))
    return _verdict(client, checks)


def _local(client: Client, name: str, catalogs: Catalogs) -> Iterator[Check]:
    is_abroad = client.address.country not in (None, MEXICO)
    kind = rfc_kind(client.tax_id) if client.tax_id and not is_abroad else None
    yield Check("tax_id", None, "not checked") if is_abroad else _tax_id(client.tax_id)
    yield _legal_name(name)
    yield Check("address.zip", None, "not checked") if is_abroad else _zip(client.address.zip, catalogs)
    yield _regime(client.tax_system, kind)
    yield _use(client.use, client.tax_system, kind)


def _tax_id(tax_id: str | None) -> Check:
    if tax_id is None:
        return Check("tax_id", None, "absent")
    if rfc_check_digit_ok(tax_id):
        return Check("tax_id", True, "Well formed; check digit correct")
    return Check("tax_id", False, f"the check digit should be {rfc_check_digit(tax_id[:-1])}")


def _legal_name(name: str) -> Check:
    if not name:
        return Check("legal_name", None, "absent")
    if len(name) > NAME_MAX:
        return Check("legal_name", False, f"has more than {NAME_MAX} characters")
    return Check("legal_name", True, f"On a CFDI: {name}")


def _zip(zip_code: str | None, catalogs: Catalogs) -> Check:
    if zip_code is None:
        return Check("address.zip", None, "absent")
    if catalogs.zip_exists(zip_code):
        return Check("address.zip", True, "In the SAT catalogue")
    return Check("address.zip", False, "is not in the SAT catalogue of postal codes")


def _regime(regime: str | None, kind: str | None) -> Check:
    if regime is None:
        return Check("tax_system", None, "absent")
    if _is_generic(kind) and regime != GENERIC_REGIME:
        return Check("tax_system", False, f"a generic RFC has the regime {GENERIC_REGIME}")
    problem = None if _is_generic(kind) else regime_problem(regime, kind)
    return Check("tax_system", False, problem[1]) if problem else Check("tax_system", True, "In force")


def _use(use: str | None, regime: str | None, kind: str | None) -> Check:
    if use is None or use == NO_PREFERENCE:
        return Check("use", None, "no preference")
    if _is_generic(kind):
        is_right = use == NO_EFFECTS_USE
        return Check("use", is_right, "Allowed" if is_right else f"a generic RFC has the use {NO_EFFECTS_USE}")
    if regime is None:
        return Check("use", None, "not checked without tax_system")
    if use_allowed(use, regime, kind or ""):
        return Check("use", True, "Allowed")
    return Check("use", False, f"{use} is not allowed for the regime {regime}")


def _is_generic(kind: str | None) -> bool:
    return kind in ("generic", "foreign")


def _against(register: Register, client: Client, name: str) -> Iterator[Check]:
    known = register.get(client.tax_id or "")
    if known is None:
        return
    given = {"legal_name": name or None, "address.zip": client.address.zip, "tax_system": client.tax_system}
    yield from (_registered(field, value, known) for field, value in given.items())


_WORDS: Final[Mapping[str, str]] = {"legal_name": "name", "address.zip": "postal code", "tax_system": "regime"}


def _registered(field: str, value: str | None, known: Taxpayer) -> Check:
    if value is None:
        return Check(REGISTER + field, None, "absent")
    is_equal = {
        "legal_name": same_name(value, known.name),
        "address.zip": value in known.zips,
        "tax_system": value in known.regimes,
    }[field]
    word = _WORDS[field]
    message = f"Equal to the SAT register's {word}" if is_equal else f"the SAT register has another {word} for this RFC"
    return Check(REGISTER + field, is_equal, message)


def _verdict(client: Client, checks: tuple[Check, ...]) -> Verdict:
    wrong = next((check for check in checks if check.ok is False), None)
    if wrong is not None:
        return Verdict("invalid", f"{wrong.field.removeprefix(REGISTER)}: {wrong.message}", checks)
    registered = [check.ok for check in checks if check.field.startswith(REGISTER)]
    if (registered and all(registered)) or (client.tax_id and _is_generic(rfc_kind(client.tax_id))):
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
