"""White space, escaping, names and RFCs as a CFDI needs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from timbra.cfdi import text

NBSP = "\u00a0"


def test_collapse_joins_the_four_xml_blanks_and_keeps_nbsp() -> None:
    assert text.collapse("  a \t\r\n b  ") == "a b"
    assert text.collapse(f"a{NBSP} {NBSP}b{NBSP}") == f"a{NBSP} {NBSP}b{NBSP}"
    assert text.collapse(" \n ") == ""


def test_escape_covers_the_four_marks() -> None:
    assert text.escape("""<a & "b"> 'c'""") == "&lt;a &amp; &quot;b&quot;&gt; 'c'"


@given(st.text())
def test_an_accepted_text_survives_the_xml_parser(value: str) -> None:
    if text.refuse_reason(value) is None:
        written = text.collapse(value)
        root = etree.fromstring(f'<a b="{text.escape(written)}"/>')
        assert root.get("b") == written


@given(st.text())
def test_a_refused_text_has_a_fix_that_is_accepted(value: str) -> None:
    refusal = text.refuse_reason(value)
    assert (refusal is not None) == text.has_forbidden(value)
    if refusal is not None and refusal.fix is not None:
        assert text.refuse_reason(refusal.fix) is None


@pytest.mark.parametrize(
    ("value", "reason", "fix"),
    [
        ("mesa | silla", 'must not contain "|"', "mesa / silla"),
        ("a\x00b", "must not contain the control character U+0000", "ab"),
        ("a\x7fb", "must not contain the control character U+007F", "ab"),
        ("\ud800a", "must not contain the control character U+D800", "a"),
        ("\x01", "must not contain the control character U+0001", None),
    ],
)
def test_refuse_reason_names_the_character_and_proposes_a_text(value: str, reason: str, fix: str | None) -> None:
    assert text.refuse_reason(value) == (reason, fix)


def test_refuse_reason_accepts_lines_and_tabs() -> None:
    assert text.refuse_reason("uno\ndos\ttres\r\nñ é 😀") is None


@pytest.mark.parametrize(
    ("rfc", "kind"),
    [
        ("EKU9003173C9", "company"),
        ("H&E951128469", "company"),
        ("OÑO120726RX3", "company"),
        ("CACX7605101P8", "person"),
        ("AABF800614HI0", "person"),
        ("XAXX010101000", "generic"),
        ("XEXX010101000", "foreign"),
        ("ABC990229AA1", "company"),
        ("ABC990230AA1", None),
        ("ABC991301AA1", None),
        ("EKU9003173CB", None),
        ("EKU9003173C", None),
        ("eku9003173c9", None),
        ("EKU900317\u0663C9", None),
        ("EKU9003173C9\n", None),
        ("", None),
    ],
)
def test_rfc_kind(rfc: str, kind: str | None) -> None:
    assert text.rfc_kind(rfc) == kind


def test_clean_rfc_removes_blanks_dots_and_hyphens() -> None:
    assert text.clean_rfc(" eku-900317.3c9\n") == "EKU9003173C9"
    assert text.clean_rfc("oño120726 rx3") == "OÑO120726RX3"


@pytest.mark.parametrize(
    ("rfc", "right"),
    [
        ("EKU9003173C9", True),
        ("URE180429TM6", True),
        ("OÑO120726RX3", True),
        ("H&E951128469", True),
        ("RAQÑ7701212M3", True),
        ("XAXX010101000", True),
        ("XEXX010101000", True),
        ("EKU9003173C8", False),
        ("nothing", False),
    ],
)
def test_rfc_check_digit_ok(rfc: str, right: bool) -> None:
    assert text.rfc_check_digit_ok(rfc) is right


@pytest.mark.parametrize(
    "form",
    [
        "SA DE CV", "SA", "SAB DE CV", "SAB", "SAPI DE CV", "SAPI", "SAPIB DE CV", "SAS DE CV", "SAS", "S DE RL DE CV",
        "S DE RL MI", "S DE RL", "SC DE RL DE CV", "SC DE RL", "SC DE P DE RL", "SC", "AC", "IAP", "IBP", "ABP", "SNC",
        "S EN NC", "S EN C POR A", "S EN C", "A EN P", "SPR DE RL DE CV", "SPR DE RL", "SPR DE RI", "SPR DE RS",
        "AR DE IC", "AR", "SSS", "SA DE CV SOFOM ENR", "SAPI DE CV SOFOM ER", "SAB DE CV SFP", "S DE RL DE CV SOFOM ENR",
    ],
)  # fmt: skip
@pytest.mark.parametrize("separator", [" ", ", ", ",", " , "])
def test_every_company_form_leaves_a_companys_name(form: str, separator: str) -> None:
    assert text.name_on_cfdi(f"Acme{separator}{form}", "EKU9003173C9", keep_full=False) == "ACME"


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Escuela Kemper Urgate, S.A. de C.V.", "ESCUELA KEMPER URGATE"),
        ("ACME S. A. DE C. V.", "ACME"),
        ("ACME SADECV", "ACME"),
        ("ACME S.A.P.I. de C.V.", "ACME"),
        ("ACME S de R.L. de C.V., SOFOM, E.N.R.", "ACME S DE R.L. DE C.V., SOFOM, E.N.R."),
        ("ACME S de R.L. de C.V., SOFOM E.N.R.", "ACME"),
        ("ACME SA DE CV SA DE CV", "ACME SA DE CV"),
        ("ACME. SC", "ACME."),
        ("SA DE CV", "SA DE CV"),
        ("AC", "AC"),
        ("GRUPO MASA", "GRUPO MASA"),
        ("SC JOHNSON", "SC JOHNSON"),
        ("  dos \t nombres\u00f1 ", "DOS NOMBRESÑ"),
        ("", ""),
    ],
)
def test_name_of_a_company(name: str, printed: str) -> None:
    assert text.name_on_cfdi(name, "EKU9003173C9", keep_full=False) == printed


def test_name_keeps_its_company_form_when_asked_and_for_persons() -> None:
    assert text.name_on_cfdi("Acme SA de CV", "EKU9003173C9", keep_full=True) == "ACME SA DE CV"
    assert text.name_on_cfdi("Ana Ac", "CACX7605101P8", keep_full=False) == "ANA AC"


def test_name_of_generic_receivers() -> None:
    assert text.name_on_cfdi(None, "XAXX010101000", keep_full=False) == "PUBLICO EN GENERAL"
    assert text.name_on_cfdi("Ana Ruiz", "XAXX010101000", keep_full=False) == "ANA RUIZ"
    assert text.name_on_cfdi("Foreign Buyer SA", "XEXX010101000", keep_full=False) == "FOREIGN BUYER SA"
    assert text.name_on_cfdi(None, "XEXX010101000", keep_full=False) == ""


@given(st.text(alphabet="SADECVRL., &Ñ", max_size=40))
def test_a_name_never_vanishes(name: str) -> None:
    printed = text.name_on_cfdi(name, "EKU9003173C9", keep_full=False)
    assert bool(printed) == bool(text.collapse(name))


def test_same_name_ignores_accents_on_vowels_only() -> None:
    assert text.same_name("UNIVERSIDAD ROBÓTICA", "UNIVERSIDAD ROBOTICA")
    assert not text.same_name("MONTAÑO", "MONTANO")
