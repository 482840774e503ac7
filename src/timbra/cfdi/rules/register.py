"""Rules against a register of taxpayers, which only a PAC has: the receiver's name and postal code.

An RFC the register does not hold passes: a register of test taxpayers is not SAT's list.
"""

from collections.abc import Iterator

from timbra.cfdi.model import Receiver
from timbra.cfdi.rules.finding import Finding, Level
from timbra.cfdi.test_taxpayers import Register
from timbra.cfdi.text import same_name


def check_receiver(receiver: Receiver, register: Register) -> Iterator[Finding]:
    """The receiver's name and zip are those of its RFC (CFDI40145, CFDI40147)."""
    row = register.get(receiver.rfc)
    if row is None:
        return
    if not same_name(receiver.name, row.name):
        message = "is not the name registered for this RFC"
        yield Finding("CFDI40145", "client.legal_name", message, row.name, Level.PAC_ONLY)
    if receiver.zip not in row.zips:
        message = "zip is not the receiver's fiscal domicile"
        yield Finding("CFDI40147", "client.address.zip", message, min(row.zips), Level.PAC_ONLY)
