"""Taxes of lines and services (contract services.md sections 4 and 5)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.catalogs.taxes import WORDS, TaxBody
from timbra.cfdi.codes_rates import RATES, rate_allowed
from timbra.cfdi.model import Factor, LineTax, Rate, Tax
from timbra.cfdi.money import to_decimal
from timbra.http.body import validate
from timbra.http.errors import Invalid
from timbra.platform import json
from timbra.services.taxes import country_taxes, withholdings_for
from timbra.teams.settings import TeamSettings

IVA_16 = LineTax(Tax.IVA, Factor.TASA, Rate(160_000))


def tax(**fields: Any) -> LineTax:
    return validate(TaxBody, {"type": "IVA", **json.loads(json.dumps(fields))}, None).line_tax


def refusal(**fields: Any) -> tuple[str, str, str, Any]:
    with pytest.raises(Invalid) as caught:
        tax(**fields)
    assert len(caught.value.fields) == 1
    row = caught.value.fields[0]
    return row.path, row.code, row.message, row.fix


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "iva", "rate": "0.16"}, IVA_16),
        ({"rate": 0.16, "factor": "tasa", "base": {"any": "thing"}}, IVA_16),
        ({"rate": 0.16, "inclusive": True}, LineTax(Tax.IVA, Factor.TASA, Rate(160_000), inclusive=True)),
        ({"factor": "Exento"}, LineTax(Tax.IVA, Factor.EXENTO)),
        ({"factor": "Exento", "rate": 0}, LineTax(Tax.IVA, Factor.EXENTO)),
        ({"rate": 0.106667, "withholding": True}, LineTax(Tax.IVA, Factor.TASA, Rate(106_667), withheld=True)),
        (
            {"type": "ISR", "rate": 0.0125, "withholding": True, "inclusive": True},
            LineTax(Tax.ISR, Factor.TASA, Rate(12_500), withheld=True),
        ),
        ({"type": "IEPS", "rate": 72.1605, "factor": "Cuota"}, LineTax(Tax.IEPS, Factor.CUOTA, Rate(72_160_500))),
    ],
)
def test_allowed_taxes(fields: dict[str, Any], expected: LineTax) -> None:
    assert tax(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rate": 16}, ("rate", "max", "must be a fraction; 16 % is 0.16", to_decimal(160_000))),
        ({"rate": 0.15}, ("rate", "enum", "must be one of 0, 0.08, 0.16", to_decimal(160_000))),
        ({"factor": "Exento", "rate": 0.16}, ("rate", "max", "must be one of 0", 0)),
        ({"rate": 0.2, "withholding": True}, ("rate", "max", "must be between 0 and 0.16", None)),
        ({}, ("rate", "required", "is required: a fraction such as 0.16", None)),
        ({"type": "ISR", "rate": 0.1}, ("factor", "not_allowed", "Tasa does not exist for a transferred ISR", None)),
        (
            {"rate": 0.1, "factor": "Cuota"},
            ("factor", "not_allowed", "Cuota does not exist for a transferred IVA", "Tasa"),
        ),
        (
            {"withholding": True, "factor": "Exento", "rate": 0},
            ("factor", "not_allowed", "Exento does not exist for a withheld IVA", "Tasa"),
        ),
    ],
)
def test_other_combinations_name_what_would_do(fields: dict[str, Any], expected: tuple[str, str, str, Any]) -> None:
    assert refusal(**fields) == expected


@given(
    word=st.sampled_from(["IVA", "ISR", "IEPS"]),
    factor=st.sampled_from(["Tasa", "Cuota", "Exento"]),
    withheld=st.booleans(),
    rate=st.integers(0, 100_000_000),
)
def test_a_tax_is_taken_exactly_when_the_catalogue_has_it(word: str, factor: str, withheld: bool, rate: int) -> None:
    code = {name: code for code, name in WORDS.items()}[word]
    body = {"type": word, "factor": factor, "withholding": withheld, "rate": to_decimal(rate)}

    if rate_allowed(code, factor, withheld, rate):
        taken = validate(TaxBody, body, None).line_tax
        assert taken == LineTax(code, Factor(factor), Rate(rate), withheld)
    else:
        with pytest.raises(Invalid) as caught:
            validate(TaxBody, body, None)
        assert caught.value.fields[0].path in ("rate", "factor")


def test_every_fix_is_accepted() -> None:
    for (code, factor, withheld), rates in RATES.items():
        for rate in rates.fixed or (rates.maximum or 0,):
            body = {"type": WORDS[Tax(code)], "factor": factor, "withholding": withheld, "rate": to_decimal(rate * 100)}
            if rate and factor == "Tasa" and not rates.allows(rate * 100):
                with pytest.raises(Invalid) as caught:
                    validate(TaxBody, body, None)
                assert validate(TaxBody, {**body, "rate": caught.value.fields[0].fix}, None).line_tax.rate == rate


class TestDefaults:
    settings = TeamSettings(
        json.dumps(
            {
                "taxes_usd": [{"type": "IVA", "rate": "0", "factor": "Tasa"}],
                "withholding_taxes": [{"type": "ISR", "rate": "0.0125", "factor": "Tasa"}],
            }
        )
    )

    def test_a_new_team_charges_iva_16(self) -> None:
        assert country_taxes(TeamSettings("{}"), receiver_is_foreign=False) == (IVA_16,)
        assert country_taxes(TeamSettings("{}"), receiver_is_foreign=True) == (IVA_16,)

    def test_foreigners_have_their_own_list(self) -> None:
        assert country_taxes(self.settings, receiver_is_foreign=True) == (LineTax(Tax.IVA),)
        assert country_taxes(self.settings, receiver_is_foreign=False) == (IVA_16,)

    def test_companies_withhold(self) -> None:
        assert withholdings_for(self.settings, "EKU9003173C9") == (
            LineTax(Tax.ISR, Factor.TASA, Rate(12_500), withheld=True),
        )
        assert withholdings_for(self.settings, "CACX7605101P8") == ()
