"""Complements of random lives against the oracle, SAT's schema and SAT's rules: 2,000 lives, 100,000 with TIMBRA_SOAK.

The documents of every fourth life, with TIMBRA_SOAK of every life, go through schema, rules and the table of the cadena.
"""

import os
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from cfdi.payment_oracle import STEP, Complement, Told, complement, number, total_of
from factories.cfdi_invoice import COMPANY, CUSTOMER
from factories.random_payment import Bill, life, payment
from timbra.catalogs.load import SatData
from timbra.cfdi import cadena
from timbra.cfdi.amounts import AmountError
from timbra.cfdi.build import CertificateText, build
from timbra.cfdi.model import Micro
from timbra.cfdi.parse import parse
from timbra.cfdi.payments.amounts import ComputedPayment, compute
from timbra.cfdi.payments.equivalence import ONE
from timbra.cfdi.payments.model import GroupKey, Payment
from timbra.cfdi.payments.node import payment_node
from timbra.cfdi.payments.scaffold import document_of, frame
from timbra.cfdi.rules.document import check_document

IS_SOAK = os.environ.get("TIMBRA_SOAK") == "1"
LIVES, WRITTEN_EVERY = (100_000, 1) if IS_SOAK else (2_000, 4)
ISSUED_AT = datetime(2026, 3, 10, 12, 0)
RECEIVER = replace(CUSTOMER, use="CP01")
CERTIFICATE = CertificateText("30001000000500003416", "AAAA")
SCAFFOLD = document_of(COMPANY, RECEIVER, ISSUED_AT, series="P", folio=1)

Tellings = dict[str, dict[GroupKey, Told]]


def written(computed: ComputedPayment) -> tuple[bytes, str]:
    draft = build(SCAFFOLD, frame(), CERTIFICATE, complement=payment_node(computed))
    return f"{draft.head}AAAA{draft.tail}".encode(), draft.cadena


def assert_equal(computed: ComputedPayment, expected: Complement) -> None:
    for one, e, rows, taxability in zip(
        computed.documents, expected.equivalences, expected.documents, expected.taxability, strict=True
    ):
        assert one.equivalence == e * ONE
        assert {share.key: (number(share.base), number(share.amount)) for share in one.taxes} == rows
        assert one.taxability == taxability
    assert {row.tax: number(row.amount) for row in computed.withheld} == {
        tax: amount for tax, (_, amount) in expected.withheld.items()
    }
    assert {
        (row.tax, row.factor, row.rate or 0, False): (number(row.base), number(row.amount))
        for row in computed.transferred
    } == expected.transferred
    assert number(computed.applied) == expected.applied
    assert {name: number(value) for name, value in computed.totals.items()} == expected.totals


def assert_valid(sat_data: SatData, computed: ComputedPayment) -> None:
    xml, text = written(computed)
    root = parse(xml, limit=1_000_000)
    assert sat_data.schemas.validate(root) == []
    assert check_document(root, catalogs=sat_data.catalogs) == []
    assert cadena.of(root) == text


def paid(random: Random, sat_data: SatData | None, bills: list[Bill], tellings: Tellings, made: Payment) -> None:
    """The payment is computed, compared and applied; now and then it is canceled and made again otherwise."""
    told = [{key: Told([*t.bases], [*t.amounts]) for key, t in tellings[d.uuid].items()} for d in made.documents]
    expected = complement(made, told)
    if expected.applied == 0:
        # A few cents of a weak currency come to nothing in a strong one: such money buys no complement.
        with pytest.raises(AmountError, match="comes to 0"):
            compute(made)
        return
    computed = compute(made)
    assert_equal(computed, expected)
    if sat_data is not None:
        assert_valid(sat_data, computed)
    if random.random() < 0.15:
        return  # refused, or canceled at once: as if it had never been
    for one, after in zip(computed.documents, told, strict=True):
        bill = next(bill for bill in bills if bill.uuid == one.document.uuid)
        bill.instalments.append((one.document.paid, one.taxes))
        tellings[bill.uuid] = after


def settled(bill: Bill) -> None:
    """The taxes of all instalments are those of what was paid: exactly where 6 decimals can say it, else the nearest."""
    covered = bill.covered()
    for group in bill.groups:
        base, amount = map(number, covered.get(group.key, (0, 0)))
        assert abs(base - number(group.base) * bill.paid / bill.total) < STEP
        assert abs(amount - base * number(group.rate)) < STEP
        if bill.paid == bill.total:
            assert base == number(group.base)


def test_lives_equal_the_oracle_and_satisfy_sat(sat_data: SatData) -> None:
    closed = complements = 0
    for seed in range(LIVES):
        random = Random(seed)
        data = None if seed % WRITTEN_EVERY else sat_data
        bills, tellings = life(random), defaultdict[str, dict[GroupKey, Told]](dict)
        for _ in range(random.choice((0, 1, 2, 2, 3, 5))):
            open_ = [bill for bill in bills if bill.balance > 0]
            if open_:
                paid(random, data, bills, tellings, payment(random, open_, settles=False))
                complements += 1
        if random.random() < 0.1 and bills[0].balance > 0:
            unit = 10 ** (6 - bills[0].decimals)
            bills[0].credited = random.randint(0, bills[0].balance // unit) * unit
        for _ in range(20):
            open_ = [bill for bill in bills if bill.balance > 0]
            if not open_:
                break
            paid(random, data, bills, tellings, payment(random, open_, settles=True))
            complements += 1
        for bill in bills:
            if bill.balance == 0:
                assert bill.paid + bill.credited == bill.total
                settled(bill)
                closed += 1
    assert complements > LIVES
    assert closed > LIVES


def test_no_rounding_error_of_many_instalments_is_left(sat_data: SatData) -> None:
    """200 payments of a seventh of a percent each: every share within a millionth, the sum exact."""
    random = Random(7)
    (bill,) = [one for one in life(Random(11)) if one.groups][:1] or [life(Random(3))[0]]
    step = max(bill.total // 200 // 10 ** (6 - bill.decimals), 1) * 10 ** (6 - bill.decimals)
    while bill.balance > 0:
        amount = min(step, bill.balance)
        made = payment(random, [bill], settles=True)
        entry = replace(made.documents[0], paid=Micro(amount))
        computed = compute(replace(made, documents=(entry,), currency=bill.currency, decimals=bill.decimals))
        bill.instalments.append((amount, computed.documents[0].taxes))

    settled(bill)
    for group in bill.groups:
        for amount, shares in bill.instalments:
            base = total_of(number(share.base) for share in shares if share.key == group.key)
            assert abs(base - number(group.base) * amount / bill.total) < STEP
