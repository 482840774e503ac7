"""Rules of the bank data of a payment (CRP20221 to CRP20228): which forms of payment have accounts, and their patterns.

CRP20222, whether SAT knows the RFC of the bank, only a PAC can tell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.text import FOREIGN_RFC

_ANY: Final = "[0-9]{10,11}|[0-9]{15,16}|[0-9]{18}|[A-Z0-9_]{10,50}"

# Source: c_FormaPago, columns of the patterns; a form that is not here has no bank data.
PAYER_PATTERNS: Final = {
    "02": "[0-9]{11}|[0-9]{18}",
    "03": "[0-9]{10}|[0-9]{16}|[0-9]{18}",
    "04": "[0-9]{16}",
    "05": _ANY,
    "06": "[0-9]{10}",
    "28": "[0-9]{16}",
    "29": "[0-9]{15,16}",
}
PAYEE_PATTERNS: Final = {
    "02": _ANY,
    "03": "[0-9]{10}|[0-9]{18}",
    "04": _ANY,
    "05": _ANY,
    "28": _ANY,
    "29": _ANY,
}


@dataclass(frozen=True, slots=True)
class BankData:
    """What a payment says of the accounts the money came from and went to."""

    form: str
    payer_bank_rfc: str | None = None
    payer_bank_name: str | None = None
    payer_account: str | None = None
    payee_bank_rfc: str | None = None
    payee_account: str | None = None


def check_bank(bank: BankData) -> Iterator[Finding]:
    """Findings of the bank data; a field that the form forbids is fixed by leaving it out."""
    payer, payee = PAYER_PATTERNS.get(bank.form), PAYEE_PATTERNS.get(bank.form)
    if payer is None:
        yield from _forbidden("CRP20221", "payer_bank_rfc", bank.payer_bank_rfc, bank.form)
        yield from _forbidden("CRP20224", "payer_account", bank.payer_account, bank.form)
    else:
        yield from _pattern("CRP20225", "payer_account", bank.payer_account, payer, bank.form)
    if payee is None:
        yield from _forbidden("CRP20227", "payee_bank_rfc", bank.payee_bank_rfc, bank.form)
        yield from _forbidden("CRP20228", "payee_account", bank.payee_account, bank.form)
    else:
        yield from _pattern("CRP20226", "payee_account", bank.payee_account, payee, bank.form)
    if bank.payer_bank_rfc == FOREIGN_RFC and not bank.payer_bank_name:
        yield Finding("CRP20223", "payer_bank_name", f"is required with payer_bank_rfc {FOREIGN_RFC}")


def _forbidden(code: str, path: str, value: str | None, form: str) -> Iterator[Finding]:
    if value is not None:
        yield Finding(code, path, f"does not go with payment form {form}: leave it out")


def _pattern(code: str, path: str, value: str | None, pattern: str, form: str) -> Iterator[Finding]:
    if value is None or re.fullmatch(pattern, value):
        return
    digits = re.sub(r"[\s.-]", "", value)
    fix = digits if re.fullmatch(pattern, digits) else None
    yield Finding(code, path, f"must have the form {pattern} with payment form {form}", fix)
