"""What people type is found: the order of the contract, and what stands in for slips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.catalogs.load import SatData
from timbra.catalogs.near import Vocabulary, sound_of
from timbra.catalogs.wanted import Catalog, Wanted
from timbra.catalogs.words import words_of

DAY = "2026-11-22"


def catalog(sat_data: SatData, name: str) -> Catalog:
    found = sat_data.shelf.catalog(name)
    assert found is not None
    return found[1]


def codes(sat_data: SatData, name: str, q: str, **more: object) -> list[str]:
    found = catalog(sat_data, name).find(Wanted(DAY, q, limit=100, **more))  # type: ignore[arg-type]
    return [entry["code"] for entry in found.entries]


@pytest.mark.parametrize(
    ("name", "q", "first"),
    [
        ("product_keys", "84111506", "84111506"),  # a full code
        ("product_keys", "8411150", "84111500"),  # the beginning of codes
        ("product_keys", "gatos", "10101501"),
        ("product_keys", "GATOS VIV", "10101501"),  # names that begin so, the last word unfinished
        ("product_keys", "servicios facturacion", "84111506"),  # words in any order, without accents
        ("product_keys", "facturación servicios", "84111506"),
        ("product_keys", "publico en general", "01010101"),  # SAT's similar words
        ("product_keys", "laptop", "43211508"),
        ("product_keys", "11131601", "11131601"),  # a key that only SAT's schema lists
        ("unit_keys", "kilometro por hora", "KMH"),
        ("unit_keys", "kgm", "KGM"),
        ("zip_codes", "64000", "64000"),
        ("zip_codes", "monterrey", "64000"),
        ("zip_codes", "nuevo león 64", "64000"),
        ("currencies", "peso mex", "MXN"),
        ("countries", "mexico", "MEX"),
        ("countries", "united king", "GBR"),
        ("payment_forms", "tarjeta debito", "28"),
        ("cfdi_uses", "gastos gen", "G03"),
        ("tax_regimes", "confianza", "626"),
    ],
)  # fmt: skip
def test_what_is_typed_is_found_first(sat_data: SatData, name: str, q: str, first: str) -> None:
    assert codes(sat_data, name, q)[0] == first


@pytest.mark.parametrize(
    ("name", "q", "code"),
    [
        ("product_keys", "zerbeza", "50202201"),  # cerveza
        ("product_keys", "computdoras", "43211500"),
        ("product_keys", "computaodras", "43211500"),
        ("product_keys", "sofware", "43231500"),
        ("product_keys", "servicios contabilidat", "84111505"),
        ("unit_keys", "kilojramo", "KGM"),
        ("zip_codes", "monterey", "64000"),
        ("cfdi_uses", "colejiaturas", "D10"),
        ("countries", "alemaniya", "DEU"),
    ],
)
def test_a_slip_is_forgiven(sat_data: SatData, name: str, q: str, code: str) -> None:
    assert code in codes(sat_data, name, q)


@pytest.mark.parametrize("q", ["xzqzzq", "%", "'", '"', "*", "qqq", "99999998", "computdora xzqzzq", "-", "( ) ."])
def test_nothing_is_made_up(sat_data: SatData, q: str) -> None:
    for name in ("product_keys", "unit_keys", "zip_codes", "countries"):
        found = catalog(sat_data, name).find(Wanted(DAY, q))
        assert (found.entries, found.total) == ([], 0), name


@pytest.mark.parametrize(
    "q",
    ["1' OR '1'='1", "a*", 'gatos" OR "perros', "words : gatos", "NEAR(gatos perros)", "a NOT b", "gatos; drop table"],
)
def test_syntax_of_the_engine_means_nothing(sat_data: SatData, q: str) -> None:
    by_words = catalog(sat_data, "product_keys").find(Wanted(DAY, " ".join(words_of(q))))

    assert catalog(sat_data, "product_keys").find(Wanted(DAY, q)).total == by_words.total


def test_the_order_is_code_then_name_then_the_rest(sat_data: SatData) -> None:
    names = {}
    for at in range(0, 200, 100):
        for entry in catalog(sat_data, "product_keys").find(Wanted(DAY, "software", limit=100, offset=at)).entries:
            names[entry["code"]] = entry["name"]

    begins = [name.lower().startswith("software") for name in names.values()]
    boundary = begins.index(False)
    assert all(begins[:boundary])
    assert not any(begins[boundary:])
    shown = list(names)
    assert shown[:boundary] == sorted(shown[:boundary])
    assert shown[boundary:] == sorted(shown[boundary:])


def test_codes_come_before_names_and_words(sat_data: SatData) -> None:
    assert codes(sat_data, "unit_keys", "e4")[:3] == ["E4", "E40", "E41"]
    assert codes(sat_data, "countries", "mex")[0] == "MEX"


@pytest.mark.parametrize("name", ["product_keys", "unit_keys", "zip_codes", "countries", "tax_regimes"])
@given(q=st.text(max_size=30), offset=st.integers(0, 300))
def test_no_text_breaks_the_search(sat_data: SatData, name: str, q: str, offset: int) -> None:
    found = catalog(sat_data, name).find(Wanted(DAY, q, limit=7, offset=offset))

    assert len(found.entries) == max(0, min(7, found.total - offset))


@pytest.mark.parametrize("q", ["a", "de", "1", "s", "8", "software", "10"])
def test_pages_of_all_groups_meet_without_gap(sat_data: SatData, q: str) -> None:
    search = catalog(sat_data, "product_keys")
    at_once = [entry["code"] for entry in search.find(Wanted(DAY, q, limit=60)).entries]
    in_parts = [
        entry["code"] for at in range(0, 60, 10) for entry in search.find(Wanted(DAY, q, limit=10, offset=at)).entries
    ]

    assert at_once == in_parts
    assert len(set(at_once)) == len(at_once)


def test_words_in_other_letters_are_the_same() -> None:
    assert words_of("Ñandú, s/n 2²") == ["nandu", "s", "n", "22"]
    assert words_of(None, "") == []


@pytest.mark.parametrize(
    ("one", "other"), [("zerbeza", "cerveza"), ("hielo", "ielo"), ("queso", "keso"), ("yave", "llabe")]
)
def test_what_sounds_alike(one: str, other: str) -> None:
    assert sound_of(one) == sound_of(other)


def test_a_written_vocabulary_is_the_same() -> None:
    words = Vocabulary(["queso", "cerveza", "hhh", "2020"])

    again = Vocabulary.of_texts(*words.to_texts())

    assert again.near("zerbeza") == words.near("zerbeza") == ["cerveza"]
    assert again.near("quezo") == ["queso"]
    assert again.near("kesoo") == ["queso"]
    assert again.near("tamal") == []
    assert again.near("2021") == []
