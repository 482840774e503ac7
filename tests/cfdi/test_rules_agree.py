"""What the rules accept in the model they accept in the XML made from it: one matrix, two readings."""

from dataclasses import replace
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.cfdi_invoice import CUSTOMER, FOREIGNER, PUBLIC, invoice, line, micro, tax
from timbra.catalogs.load import SatData
from timbra.cfdi.build import CertificateText, build
from timbra.cfdi.model import Factor, GlobalInfo, Line, LocalTax, Micro, Rate, Receiver, Tax
from timbra.cfdi.read import parse
from timbra.cfdi.rules import check, check_document
from timbra.cfdi.test_taxpayers import REGISTER
from timbra.cfdi.totals import AmountError, compute

TAXES = [
    tax(),
    tax(rate="0"),
    tax(rate="0", factor=Factor.EXENTO),
    tax(Tax.IEPS, "0.08"),
    tax(Tax.IEPS, "1.6451", Factor.CUOTA),
    tax(Tax.ISR, "0.10", withheld=True),
    tax(rate="0.106667", withheld=True),
    replace(tax(), inclusive=True),
]
DESCRIPTIONS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="|\ufffe\uffff"), min_size=1)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    quantity = draw(st.integers(1, 10**9))
    price = draw(st.integers(1, 10**10))
    gross = quantity * price // 10**6
    kinds = draw(st.lists(st.sampled_from(TAXES), unique_by=lambda one: (one.tax, one.withheld), max_size=3))
    return line(
        description=draw(DESCRIPTIONS.filter(str.strip)),
        quantity=Micro(quantity),
        unit_price=Micro(price),
        discount=Micro(draw(st.integers(0, gross)) if draw(st.booleans()) else 0),
        taxes=tuple(kinds),
        customs_request=draw(st.sampled_from([None, "15  48  3009  0001234"])),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(lines(), min_size=1, max_size=4),
    st.sampled_from([CUSTOMER, FOREIGNER, PUBLIC]),
    st.sampled_from(["MXN", "USD", "JPY", "KWD"]),
    st.sampled_from([(), (LocalTax("ISH", Rate(30_000)),)]),
)
def test_the_written_document_breaks_what_the_model_breaks(
    sat_data: SatData, concepts: list[Line], receiver: Receiver, currency: str, local_taxes: tuple[LocalTax, ...]
) -> None:
    document = invoice(
        folio=1,
        lines=tuple(concepts),
        receiver=receiver,
        currency=currency,
        exchange_rate=micro("1" if currency == "MXN" else "17.5"),
        global_info=GlobalInfo("04", "03", 2026) if receiver is PUBLIC else None,
        local_taxes=local_taxes,
    )
    decimals = sat_data.catalogs.currency_decimals(currency)
    assert decimals is not None
    try:
        totals = compute(document.lines, decimals=decimals, local_taxes=local_taxes)
    except AmountError:
        return

    draft = build(document, totals, CertificateText("30001000000500003416", "AAAA"))
    root = parse((draft.head + "AAAA" + draft.tail).encode(), limit=1_000_000)

    in_model = check(document, totals, catalogs=sat_data.catalogs, today=date(2026, 3, 10))
    written = check_document(root, catalogs=sat_data.catalogs, register=REGISTER)
    assert sorted(row.code for row in written) == sorted(row.code for row in in_model)
