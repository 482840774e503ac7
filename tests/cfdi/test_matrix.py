"""SAT's error matrix as the API shows it."""

import csv
from pathlib import Path

import pytest

from timbra.cfdi import matrix

PUBLISHED = Path(__file__).parents[3] / "shared" / "sat" / "cfdi_errors.csv"


def test_lookup_gives_texts_type_and_path() -> None:
    row = matrix.lookup("CFDI40147")

    assert row is not None
    assert row.type == "receiver"
    assert row.path == "client.address.zip"
    assert row.description == (
        "El campo DomicilioFiscalReceptor del receptor, debe encontrarse en la lista de RFC inscritos no cancelados en "
        "el SAT."
    )
    assert row.explanation == "The zip is not registered for this receiver."
    assert row.solution == "Use the zip printed on the receiver's CSF."


@pytest.mark.parametrize("code", ["cfdi40161", " CFDI40161 "])
def test_lookup_ignores_case_and_blanks(code: str) -> None:
    assert matrix.lookup(code) is matrix.ROWS["CFDI40161"]


def test_lookup_of_an_unknown_code_is_none() -> None:
    assert matrix.lookup("CFDI49999") is None
    assert matrix.lookup("") is None


def test_lookup_accepts_the_short_spelling_of_the_late_codes() -> None:
    assert matrix.lookup("CFDI40226") is matrix.ROWS["CFDI140226"]
    assert matrix.lookup("CFDI40222") is matrix.ROWS["CFDI40222"]


def test_a_cancellation_code_has_its_own_meaning() -> None:
    stamping, cancelling = matrix.lookup("305"), matrix.lookup_cancellation("305")

    assert stamping is not None
    assert cancelling is not None
    assert stamping.description == "La fecha de emisión no está dentro de la vigencia del certificado del emisor."
    assert cancelling.description == "Certificado no válido."
    assert cancelling.code == "305"
    assert matrix.lookup_cancellation("205") is matrix.ROWS["205"]


def test_search_needs_every_word_without_accents() -> None:
    codes = [row.code for row in matrix.search("regimen 616")]

    assert "CFDI40159" in codes
    assert "CFDI40158" not in codes


def test_search_filters_by_code_and_type() -> None:
    assert [row.code for row in matrix.search(code="cfdi40105")] == ["CFDI40105"]
    assert matrix.search(code="CFDI40105", type="receiver") == []
    assert matrix.search(code="nothing") == []
    assert {row.type for row in matrix.search(type="sender")} == {"sender"}


def test_search_without_filters_gives_all_rows_in_order() -> None:
    rows = matrix.search()

    assert len(rows) == 297
    assert rows[0].code == "CFDI40101"


def test_every_row_is_complete() -> None:
    for row in matrix.ROWS.values():
        assert row.type in matrix.TYPES
        assert all(text == text.strip() and text for text in (row.description, row.explanation, row.solution))


def test_codes_and_texts_are_those_sat_published() -> None:
    if not PUBLISHED.exists():
        pytest.skip("SAT's published matrix is not beside the checkout")
    with PUBLISHED.open(encoding="utf-8-sig", newline="") as handle:
        published = {row["code"]: row for row in csv.DictReader(handle)}

    assert set(matrix.ROWS) == set(published)
    for code, row in published.items():
        if row["text"] == "official":
            assert matrix.ROWS[code].description == " ".join(row["message"].split())
