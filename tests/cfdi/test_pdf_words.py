from decimal import Decimal

import pytest

from timbra.cfdi.pdf.words import amount_in_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "CERO PESOS 00/100 M.N."),
        ("0.01", "CERO PESOS 01/100 M.N."),
        ("1", "UN PESO 00/100 M.N."),
        ("1.99", "UN PESO 99/100 M.N."),
        ("2", "DOS PESOS 00/100 M.N."),
        ("16", "DIECISÉIS PESOS 00/100 M.N."),
        ("20.5", "VEINTE PESOS 50/100 M.N."),
        ("21", "VEINTIÚN PESOS 00/100 M.N."),
        ("22", "VEINTIDÓS PESOS 00/100 M.N."),
        ("31", "TREINTA Y UN PESOS 00/100 M.N."),
        ("100", "CIEN PESOS 00/100 M.N."),
        ("101", "CIENTO UN PESOS 00/100 M.N."),
        ("121", "CIENTO VEINTIÚN PESOS 00/100 M.N."),
        ("500", "QUINIENTOS PESOS 00/100 M.N."),
        ("1000", "MIL PESOS 00/100 M.N."),
        ("1001", "MIL UN PESOS 00/100 M.N."),
        ("3944.00", "TRES MIL NOVECIENTOS CUARENTA Y CUATRO PESOS 00/100 M.N."),
        ("21021.21", "VEINTIÚN MIL VEINTIÚN PESOS 21/100 M.N."),
        ("100000", "CIEN MIL PESOS 00/100 M.N."),
        ("101000", "CIENTO UN MIL PESOS 00/100 M.N."),
        ("1000000", "UN MILLÓN DE PESOS 00/100 M.N."),
        ("1000001", "UN MILLÓN UN PESOS 00/100 M.N."),
        ("21000000", "VEINTIÚN MILLONES DE PESOS 00/100 M.N."),
        ("1000000000", "MIL MILLONES DE PESOS 00/100 M.N."),
        ("1001000000", "MIL UN MILLONES DE PESOS 00/100 M.N."),
        (
            "999999999999.99",
            (
                "NOVECIENTOS NOVENTA Y NUEVE MIL NOVECIENTOS NOVENTA Y NUEVE MILLONES "
                "NOVECIENTOS NOVENTA Y NUEVE MIL NOVECIENTOS NOVENTA Y NUEVE PESOS 99/100 M.N."
            ),
        ),
        ("1000000000000", "UN BILLÓN DE PESOS 00/100 M.N."),
    ],
)
def test_spanish_pesos(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), "MXN", "es") == words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("1", "USD", "UN DÓLAR 00/100 USD"),
        ("3248.00", "USD", "TRES MIL DOSCIENTOS CUARENTA Y OCHO DÓLARES 00/100 USD"),
        ("21", "EUR", "VEINTIÚN EUROS 00/100 EUR"),
        ("21", "GBP", "VEINTIUNO 00/100 GBP"),
        ("1", "GBP", "UNO 00/100 GBP"),
        ("2000000", "USD", "DOS MILLONES DE DÓLARES 00/100 USD"),
        ("5.125", "KWD", "CINCO 125/1000 KWD"),
    ],
)
def test_spanish_other_currencies(amount: str, currency: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), currency, "es") == words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("0", "MXN", "ZERO MEXICAN PESOS 00/100 MXN"),
        ("1", "MXN", "ONE MEXICAN PESO 00/100 MXN"),
        ("21", "MXN", "TWENTY-ONE MEXICAN PESOS 00/100 MXN"),
        ("100", "MXN", "ONE HUNDRED MEXICAN PESOS 00/100 MXN"),
        ("3944.00", "MXN", "THREE THOUSAND NINE HUNDRED FORTY-FOUR MEXICAN PESOS 00/100 MXN"),
        ("1000000", "USD", "ONE MILLION US DOLLARS 00/100 USD"),
        ("1000000001.5", "SEK", "ONE BILLION ONE 50/100 SEK"),
        (
            "999999999999.99",
            "MXN",
            (
                "NINE HUNDRED NINETY-NINE BILLION NINE HUNDRED NINETY-NINE MILLION NINE HUNDRED NINETY-NINE THOUSAND "
                "NINE HUNDRED NINETY-NINE MEXICAN PESOS 99/100 MXN"
            ),
        ),
    ],
)
def test_english(amount: str, currency: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), currency, "en") == words


@pytest.mark.parametrize("amount", ["-0.01", "1000000000000000000", "NaN", "Infinity"])
def test_amounts_outside_the_range_are_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="amount in words"):
        amount_in_words(Decimal(amount), "MXN", "es")
