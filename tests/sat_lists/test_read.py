from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.sat_lists import FILLER, TITLES_69, TITLES_69B, file_69, file_69b, many, row_69, row_69b, written
from timbra.sat_lists import read
from timbra.sat_lists.lists import LISTS, PUBLISHED
from timbra.sat_lists.read import Unreadable
from timbra.sat_lists.sync import UnknownList, published_of, sources_of_setting

PRESUMED, FIRMES = published_of("69b"), published_of("69_firmes")
BIS, CANCELLED = published_of("69b_bis"), published_of("69_cancelados")
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def refusal(published, *files: Path) -> str:
    with pytest.raises(Unreadable) as refused:
        read.survey(published, files)
    return str(refused.value)


class Test69B:
    def test_row_tells_situation_notices_and_days(self, tmp_path: Path) -> None:
        path = file_69b(tmp_path, [row_69b("EJE010203AB7", "EMPRESA DE EJEMPLO, S.A. DE C.V.")])

        [row] = read.read(PRESUMED, [path])

        assert (row.list, row.rfc) == ("69b_definitivo", "EJE010203AB7")
        assert row.detail == {
            "name": "EMPRESA DE EJEMPLO, S.A. DE C.V.",
            "situation": "Definitivo",
            "notices": [
                "500-05-2018-14151 de fecha 1 de junio de 2018",
                "500-05-2018-27105 de fecha 3 de septiembre de 2018",
            ],
            "published": {
                "presumed_sat": "2018-06-01",
                "presumed_dof": "2018-06-25",
                "definitive_sat": "2018-09-03",
                "definitive_dof": "2018-09-27",
            },
        }

    def test_each_situation_is_a_list(self, tmp_path: Path) -> None:
        situations = ["Presunto", "Definitivo", "Desvirtuado", "Sentencia Favorable"]
        rows = [row_69b(rfc, "X", situation) for rfc, situation in zip(many(4), situations, strict=True)]

        found = read.survey(PRESUMED, [file_69b(tmp_path, rows, day="31 de diciembre de 2025")])

        assert found.rows == dict.fromkeys(
            ["69b_presunto", "69b_definitivo", "69b_desvirtuado", "69b_sentencia_favorable"], 1
        )
        assert found.source_date == date(2025, 12, 31)

    def test_rows_that_sat_blanked_out_are_skipped(self, tmp_path: Path) -> None:
        hidden = row_69b("XXXXXXXXXXXX", "Información suprimida en cumplimiento de la Ley Federal")

        found = read.survey(PRESUMED, [file_69b(tmp_path, [hidden, *(row_69b(rfc, "A") for rfc in many(3))])])

        assert (found.total, found.skipped) == (3, 1)

    def test_letters_and_line_breaks_inside_quotes_are_kept(self, tmp_path: Path) -> None:
        rows = [row_69b("ÑAÑ140114GY4", 'NUÑEZ ""EL BUENO"",\r\nS.A. DE C.V.'), row_69b("H&E951128469", "HERRERÍA")]

        first, second = read.read(PRESUMED, [file_69b(tmp_path, rows)])

        assert (first.rfc, first.detail["name"]) == ("ÑAÑ140114GY4", 'NUÑEZ "EL BUENO", S.A. DE C.V.')
        assert second.rfc == "H&E951128469"

    def test_titles_may_have_dots_other_order_and_empty_columns(self, tmp_path: Path) -> None:
        titles = "Situación del contribuyente,No.,Nombre del Contribuyente,RFC,,,"
        path = written(tmp_path / "p.csv", ["Presuntos", titles, "Presunto,1,ALFA,AAA080808HL8"])

        [row] = read.read(PRESUMED, [path])

        assert (row.list, row.rfc, row.detail["name"]) == ("69b_presunto", "AAA080808HL8", "ALFA")

    def test_bom_and_utf8_are_read(self, tmp_path: Path) -> None:
        lines = [TITLES_69B, row_69b("ÑAÑ140114GY4", "ÑOÑA")]

        [row] = read.read(PRESUMED, [written(tmp_path / "u.csv", lines, "utf-8-sig")])

        assert (row.rfc, row.detail["name"]) == ("ÑAÑ140114GY4", "ÑOÑA")


class Test69:
    def test_row_tells_person_assumption_state_and_day(self, tmp_path: Path) -> None:
        path = file_69(tmp_path, [row_69("AAGL5405077Y7", "JOSE LUIS ANDRADE", person="F", day="16/11/2014")])

        [row] = read.read(FIRMES, [path])

        assert (row.list, row.rfc) == ("69_firmes", "AAGL5405077Y7")
        assert row.detail == {
            "name": "JOSE LUIS ANDRADE", "person_type": "person", "assumption": "FIRMES", "amount": None,
            "state": "CIUDAD DE MEXICO", "published": "2014-11-16",
        }  # fmt: skip

    def test_amounts_and_first_publication_of_the_eight_columns(self, tmp_path: Path) -> None:
        titles = (
            "RFC,RAZÓN SOCIAL,TIPO PERSONA,SUPUESTO,FECHA DE CANCELACION,MONTO,"
            "FECHA DE PUBLICACION (con monto),FECHA DE PRIMERA PUBLICACION,ENTIDAD FEDERATIVA"
        )
        lines = [
            'AAG090703QT6,UNO,M,INSOLVENCIA,01/02/2015,"$1,234.50",03/03/2019,04/04/2016,JALISCO',
            "AAG090703QT6,UNO,,INSOLVENCIA,no,=2+3,,32/13/2016,",
        ]

        first, second = read.read(CANCELLED, [file_69(tmp_path, lines, titles=titles)])

        assert (first.detail["amount"], first.detail["published"]) == (Decimal("1234.50"), "2016-04-04")
        assert (second.detail["amount"], second.detail["published"], second.detail["state"]) == (None, None, None)
        assert second.detail["person_type"] == "company"

    def test_titles_of_csd_without_person_and_state(self, tmp_path: Path) -> None:
        titles = "RFC,NOMBRE O RAZON SOCIAL,SUPUESTO DE CANCELACION CSD,FECHA DE PRIMERA PUBLICACION"
        path = file_69(tmp_path, ["AAG090703QT6,UNO,FRACCION X,01/02/2020"], titles=titles)

        [row] = read.read(published_of("69_csd_sin_efectos"), [path])

        assert (row.detail["name"], row.detail["assumption"]) == ("UNO", "FRACCION X")

    def test_byte_that_is_no_letter_does_not_end_the_file(self, tmp_path: Path) -> None:
        path = file_69(tmp_path, [row_69(rfc, "INGENIERÍA") for rfc in many(3)])
        path.write_bytes(path.read_bytes().replace("INGENIERÍA".encode("cp1252"), b"INGENIER\xcdA\x8d", 1))

        assert [row.detail["name"] for row in read.read(FIRMES, [path])] == ["INGENIERÍA"] * 3

    def test_formulas_are_text_and_controls_are_blanks(self, tmp_path: Path) -> None:
        path = file_69(tmp_path, [row_69("AAG090703QT6", '"=HYPERLINK(""http://x"",\x07\x00""y"")"')])

        [row] = read.read(FIRMES, [path])

        assert row.detail["name"] == '=HYPERLINK("http://x", "y")'

    def test_bis_leaves_out_who_won_in_court(self, tmp_path: Path) -> None:
        titles = (
            "No.,RFC,Nombre del Contribuyente,Situación del contribuyente,"
            "Número y fecha de oficio global definitivo SAT,Publicación página SAT definitivo"
        )
        lines = [
            '1,CPH061010RB7,"PROYECTOS, \nS.A. DE C.V.",Definitivo,900-04-2024-80 de 25 de enero de 2024,25/01/2024',
            "2,AAG090703QT6,OTRA,Sentencia Favorable,900-04-2024-81,25/01/2024",
        ]

        [row] = read.read(BIS, [file_69(tmp_path, lines, titles=titles)])

        assert (row.rfc, row.detail["name"]) == ("CPH061010RB7", "PROYECTOS, S.A. DE C.V.")
        assert (row.detail["assumption"], row.detail["published"]) == ("Definitivo", "2024-01-25")


class TestRefusals:
    def test_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "e.csv").write_bytes(b"")

        assert refusal(FIRMES, tmp_path / "e.csv") == "e.csv: is empty"

    @pytest.mark.parametrize("published", [PRESUMED, FIRMES])
    def test_other_columns(self, tmp_path: Path, published) -> None:
        path = written(tmp_path / "o.csv", ["Clave,Descripción", "01010101,No existe"])

        assert refusal(published, path) == f"o.csv: no line with the titles of {published.layout} was found"

    def test_list_of_69_is_not_the_list_of_69b(self, tmp_path: Path) -> None:
        path = file_69(tmp_path, [row_69("AAG090703QT6", "UNO")])

        assert "no line with the titles of 69-B" in refusal(PRESUMED, path)

    def test_titles_alone(self, tmp_path: Path) -> None:
        assert refusal(FIRMES, file_69(tmp_path, [])) == "Firmes.csv: holds no row with an RFC"

    def test_mostly_no_rfc(self, tmp_path: Path) -> None:
        path = file_69(tmp_path, [row_69(rfc, "A") for rfc in ("AAG090703QT6", "X", "Y", "Z")])

        assert refusal(FIRMES, path) == "Firmes.csv: 3 of 4 rows have no RFC"

    @pytest.mark.parametrize("end", ["AAG090703", "AAG090703QT6,EMPRESA", '"AAG090703QT6'])
    def test_cut_in_a_row(self, tmp_path: Path, end: str) -> None:
        path = written(tmp_path / "c.csv", [TITLES_69, row_69("AAG090703QT6", "UNO"), end])

        assert refusal(FIRMES, path) == "c.csv: is cut in line 3"

    def test_quote_that_is_never_closed(self, tmp_path: Path) -> None:
        rows = [row_69(rfc, "A") for rfc in many(60)]
        rows[10] = rows[10].replace("A,M", '"A,M')

        assert refusal(FIRMES, file_69(tmp_path, rows)) == "Firmes.csv: a quote opened in line 12 is not closed"

    def test_cell_without_end(self, tmp_path: Path) -> None:
        path = written(tmp_path / "b.csv", [TITLES_69, "AAG090703QT6," + "A" * 200_000])

        assert refusal(FIRMES, path).startswith("b.csv: is not CSV")

    def test_zip_and_html(self, tmp_path: Path) -> None:
        for name, start in (("a.zip", b"PK\x03\x04" + bytes(range(256)) * 40), ("a.html", b"<html><body>404\n" * 40)):
            (tmp_path / name).write_bytes(start)

            assert "no line with the titles" in refusal(FIRMES, tmp_path / name)

    def test_larger_than_the_limit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(read, "FILE_LIMIT_BYTES", 1024 * 1024)
        (tmp_path / "l.csv").write_bytes(b"x" * (1024 * 1024 + 1))

        assert refusal(FIRMES, tmp_path / "l.csv") == "l.csv: is larger than 1 MiB"

    @SHARED
    @given(cut=st.integers(0, 600), noise=st.binary(max_size=40), at=st.integers(0, 600))
    def test_any_damage_is_read_or_refused(self, tmp_path: Path, cut: int, noise: bytes, at: int) -> None:
        whole = file_69b(tmp_path, [row_69b(rfc, "EMPRESA, S.A.") for rfc in many(3)]).read_bytes()
        (tmp_path / "d.csv").write_bytes(whole[:at] + noise + whole[at + cut :])
        try:
            found = read.survey(PRESUMED, [tmp_path / "d.csv"])
        except Unreadable:
            return

        assert found.total == len(list(read.read(PRESUMED, [tmp_path / "d.csv"])))


def test_several_files_are_one_list(tmp_path: Path) -> None:
    files = [file_69(tmp_path, [row_69(rfc, "A")], name=f"{rfc}.csv") for rfc in many(3)]

    assert read.survey(published_of("69_condonados"), files).rows == {"69_condonados": 3}


def test_fourteen_lists_have_a_source_each() -> None:
    assert len(LISTS) == 14
    assert all(source.startswith("https://") for published in PUBLISHED for source in published.sources)
    assert all(published.sources for published in PUBLISHED)


def test_setting_names_lists_or_files() -> None:
    assert sources_of_setting({"69b_definitivo": ("a.csv",), "69_firmes": ()}) == {"69b": ("a.csv",), "69_firmes": ()}
    with pytest.raises(UnknownList):
        sources_of_setting({"69_x": ("a",)})


def test_filler_rows_are_nothing(tmp_path: Path) -> None:
    path = file_69b(tmp_path, [row_69b("AAG090703QT6", "A"), FILLER, FILLER])

    assert read.survey(PRESUMED, [path]).skipped == 0
