"""Newer data: checked as a whole, in force at once, in running processes too; a bad file changes nothing."""

import bz2
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalogs.published_db import publish
from timbra.catalogs import compile as compiler
from timbra.catalogs import update as updating
from timbra.catalogs.compile import WRAPPER, compiled
from timbra.catalogs.fetch import from_file
from timbra.catalogs.home import UPDATE_FILE, Home, day_in
from timbra.catalogs.load import SatData, load
from timbra.catalogs.published import BadCatalogs, read
from timbra.catalogs.rows import Rows
from timbra.catalogs.update import Report, apply
from timbra.catalogs.watch import Watch
from timbra.catalogs.wheels import locate
from timbra.cfdi.schema import Thinned, wrapper

NEWER = (
    "insert into cfdi_40_productos_servicios values ('99999901', 'Ñandúes de prueba', '', '', '', '2026-10-15', '', 1, 'Avestruz')",
    "update cfdi_40_productos_servicios set vigencia_hasta = '2026-10-31' where id = '10101501'",
    "update cfdi_40_productos_servicios set texto = 'Perros vivos' where id = '10101502'",
    "delete from cfdi_40_productos_servicios where id = '10101504'",
    "update cfdi_40_claves_unidades set simbolo = 'kg', vigencia_hasta = '2026-09-30' where id = 'KGM'",
    "update cfdi_40_codigos_postales set vigencia_desde = '2026-12-01', huso_descripcion = 'Hora nueva' where id = '64000'",
    "update cfdi_40_formas_pago set vigencia_hasta = '2026-06-30' where id = '31'",
    "insert into cfdi_40_formas_pago values ('32', 'Criptomoneda', '2026-10-15', '')",
)
DAY = date(2026, 11, 22)
KEPT = ("10101501", "10101502", "10101504", "11131601", "84111506")


@pytest.fixture(scope="module", autouse=True)
def few(sat_data: SatData) -> Iterator[None]:
    """A fiftieth of SAT's rows stand for the packages, and no schemas."""
    rows = sample(sat_data.shelf.path)

    def write_schemas(folder: Path, wheels: object) -> Thinned:
        (folder / WRAPPER).parent.mkdir()
        (folder / WRAPPER).write_bytes(wrapper({}))
        return Thinned(b"", {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "_write_schemas", write_schemas)
        patch.setattr(compiler.sources, "rows", lambda *_: rows)
        patch.setattr(compiler, "MINIMUM", {"products": 500, "units": 50, "zip_codes": 500, "states": 32})
        yield


def sample(path: Path) -> Rows:
    with closing(sqlite3.connect(path)) as db:

        def read(table: str, columns: str, step: int, *kept: str) -> list[Any]:
            found = db.execute(
                f"select {columns}, valid_from, valid_to from {table} join periods on periods.id = period order by code"
            ).fetchall()
            wanted = {row[0]: row for row in (*found[::step], *(one for one in found if one[0] in kept))}
            return [wanted[code] for code in sorted(wanted)]

        return Rows(
            version="2026-10-01",
            products=read("products", "code, name, synonyms, border_stimulus", 50, *KEPT),
            units=read("units", "code, name, description, symbol", 20, "KGM", "DX"),
            zips=read("zip_codes", "code, state, municipality, locality, border_stimulus, zone", 100, "64000"),
            states=db.execute("select code, name from states").fetchall(),
            municipalities=db.execute("select * from municipalities").fetchall(),
            localities=db.execute("select * from localities").fetchall(),
            small=db.execute("select * from small").fetchall(),
        )


@pytest.fixture(scope="module")
def base(few: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled data of the packages alone."""
    return compiled(Home(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def published(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(base, tmp_path_factory.mktemp("published") / "catalogs-10.15.20261120.db", NEWER)


@pytest.fixture
def home(base: Path, tmp_path: Path) -> Home:
    """A folder whose data is compiled already."""
    shutil.copytree(base, tmp_path / "home" / base.name)
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def updated(published: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Report]:
    """A home after the update, which tests only read."""
    root = tmp_path_factory.mktemp("updated")
    shutil.copytree(base, root / base.name)
    fetched = from_file(published, root)
    return Home(root), apply(Home(root), fetched.path, fetched.version)


def test_the_report_names_what_changed(updated: tuple[Home, Report]) -> None:
    report = updated[1]
    changes = {change.catalog: change for change in report.changes}

    assert (report.before, report.after) == ("2026-10-01", "2026-11-20")
    products = changes["product_keys"]
    assert (products.added, products.ended) == (["99999901"], ["10101501"])
    assert (products.renamed, products.removed) == (["10101502"], ["10101504"])
    assert changes["unit_keys"].ended == ["KGM"]
    forms = changes["payment_forms"]
    assert (forms.rows, forms.added, forms.ended, forms.without_rules) == (22, [], ["31"], ["32"])
    quiet = changes["zip_codes"]
    assert (quiet.added, quiet.ended, quiet.renamed, quiet.removed) == ([], [], [], [])


def test_everything_answers_by_the_new_data(updated: tuple[Home, Report]) -> None:
    data = load(updated[0].root)

    assert data.version == "2026-11-20"
    assert data.catalogs.product_in_force("99999901", DAY)
    assert not data.catalogs.product_in_force("99999901", date(2026, 10, 14))
    assert not data.catalogs.product_in_force("10101501", DAY)
    assert data.catalogs.product_in_force("10101501", date(2026, 10, 31))
    assert not data.catalogs.product_exists("10101504")
    assert data.catalogs.product_in_force("11131601", DAY)  # SAT's schema lists it, the published data does not
    assert not data.catalogs.unit_in_force("KGM", DAY)
    assert not data.catalogs.zip_in_force("64000", DAY)
    assert data.catalogs.zip_in_force("64000", date(2026, 12, 1))
    assert data.texts.text("c_ClaveProdServ", "99999901") == "Ñandúes de prueba"
    entry = data.shelf.entry("product_keys", "99999901", "2026-11-22")
    assert entry == {
        "code": "99999901", "name": "Ñandúes de prueba", "valid_from": "2026-10-15", "valid_to": None, "in_force": True,
        "border_stimulus": True, "synonyms": ["Avestruz"],
    }  # fmt: skip
    unit = data.shelf.entry("unit_keys", "kgm", "2026-11-22")
    assert unit == {
        "code": "KGM", "name": "Kilogramo", "valid_from": "2022-01-01", "valid_to": "2026-09-30", "in_force": False,
        "description": "d Kilogramo", "symbol": "kg",
    }  # fmt: skip
    zone = data.shelf.entry("zip_codes", "64000", "2026-11-22")
    assert zone is not None
    assert zone["time_zone"] == "America/Mexico_City"  # a name that nobody knows leaves the zone as it was
    form = data.shelf.entry("payment_forms", "31", "2026-11-22")
    assert form is not None
    assert (form["valid_to"], form["in_force"]) == ("2026-06-30", False)
    assert data.shelf.entry("payment_forms", "32", "2026-11-22") is None


def test_the_same_data_again_changes_nothing(updated: tuple[Home, Report], published: Path) -> None:
    report = apply(updated[0], published, "2026-11-20")

    kinds = ("added", "ended", "renamed", "removed")
    assert [change.catalog for change in report.changes if any(getattr(change, kind) for kind in kinds)] == []
    assert sorted(path.name[:9] for path in updated[0].root.iterdir()) == ["catalogs-", "catalogs-"]


@pytest.mark.anyio
async def test_a_running_process_takes_it(home: Home, published: Path) -> None:
    data = load(home.root)
    watch = Watch(home, data)
    known, shelf = data.catalogs, data.shelf

    assert await watch.look() is False
    apply(home, published, "2026-11-20")
    assert not known.product_exists("99999901")
    assert await watch.look() is True

    assert known.product_exists("99999901")
    assert shelf.entry("product_keys", "99999901", "2026-11-22") is not None
    assert data.version == "2026-11-20"
    assert await watch.look() is False


@pytest.mark.anyio
async def test_a_file_that_turns_bad_is_left_alone(home: Home, published: Path) -> None:
    data = load(home.root)
    watch = Watch(home, data)
    home.watched.write_bytes(b"SQLite format 3\0 and no more")

    assert await watch.look() is False
    assert data.version == "2026-10-01"
    assert data.catalogs.product_exists("84111506")


def packed(path: Path, target: Path) -> Path:
    target.write_bytes(bz2.compress(path.read_bytes(), 1))
    return target


def test_a_packed_file_is_unpacked(published: Path, tmp_path: Path) -> None:
    fetched = from_file(packed(published, tmp_path / "catalogs-10.15.20261120.db.bz2"), tmp_path)

    assert fetched.version == "2026-11-20"
    assert fetched.path.read_bytes() == published.read_bytes()
    assert from_file(published, tmp_path).path == published


def state(home: Home) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in home.root.rglob("*.*"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither an SQLite database nor one packed"),
        (b"%PDF-1.7", "neither an SQLite database nor one packed"),
        (b"SQLite format 3\0" + b"x" * 5_000, "cannot be read as an SQLite database"),
        (b"BZh91AY&SY" + b"x" * 500, "the packed file is damaged"),
        (bz2.compress(b"no database"), "cannot be read as an SQLite database"),
        (bz2.compress(b"SQLite format 3\0")[:-6], "the packed file is damaged"),
    ],
)
def test_what_is_no_database_is_refused(home: Home, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "catalogs.db"
    path.write_bytes(content)
    before = state(home)

    with pytest.raises(BadCatalogs, match=says):
        apply(home, from_file(path, tmp_path).path, "2026-11-20")

    assert state(home) == before


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timbra.catalogs.fetch.UNPACKED_MAX_BYTES", 3_000_000)
    path = tmp_path / "bomb.bz2"
    path.write_bytes(bz2.compress(b"SQLite format 3\0" + bytes(8_000_000)))

    with pytest.raises(BadCatalogs, match="more than"):
        from_file(path, tmp_path)


BIG = "cfdi_40_productos_servicios"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ([f"drop table {BIG}"], f"no table {BIG}"),
        ([f"alter table {BIG} rename to x", f"create view {BIG} as select * from x"], f"no table {BIG}"),
        ([f"alter table {BIG} rename column texto to text"], "has no column texto"),
        ([f"update {BIG} set id = '1010150A' where id = '10101501'"], "'1010150A' is no code"),
        ([f"update {BIG} set id = '10101501''; drop table products; --' where id = '10101501'"], "is no code"),
        ([f"update {BIG} set texto = '' where id = '10101501'"], "is empty or has control characters"),
        ([f"update {BIG} set texto = 'a' || char(7) where id = '10101501'"], "is empty or has control characters"),
        ([f"update {BIG} set texto = x'ff00' where id = '10101501'"], "binary"),
        ([f"update {BIG} set similares = printf('%.20000c', 'x') where id = '10101501'"], "more than 10000 characters"),
        ([f"update {BIG} set vigencia_desde = '2026-02-30' where id = '10101501'"], "a date in"),
        ([f"update {BIG} set vigencia_desde = 'soon' where id = '10101501'"], "a date in"),
        ([f"delete from {BIG} where id > '5'"], "it holds"),
        ([f"delete from {BIG}"], "it holds"),
        (["delete from cfdi_40_localidades where estado > 'J'"], "rows of localities"),
        (["update cfdi_40_codigos_postales set estado = '' where id = '64000'"], "is no code"),
        (["update cfdi_40_codigos_postales set estado = 'QQQ', id = '64001', huso_descripcion = '' where id = '64000'"],
         "time zone of the postal code 64001"),
        (["update cfdi_40_codigos_postales set estimulo_frontera = 9 where id = '64000'"], "border stimulus"),
        (["insert into cfdi_40_estados values ('NLE', 'MEX', 'Otro', '', '')"], "is there twice"),
        (["insert into cfdi_40_claves_unidades values ('kgm', 'x', '', '', '', '', '')"], "is there twice"),
    ],
)  # fmt: skip
def test_a_wrong_row_refuses_the_whole_file(
    home: Home, published: Path, tmp_path: Path, change: list[str], says: str
) -> None:
    path = Path(shutil.copy(published, tmp_path / "bad.db"))
    with closing(sqlite3.connect(path)) as db:
        for statement in change:
            db.execute(statement)
        db.commit()
    before = state(home)

    with pytest.raises(BadCatalogs, match=says):
        apply(home, path, "2026-11-21")

    assert state(home) == before
    assert [path.name for path in home.root.iterdir()] == [compiled(home).name]


def test_a_crash_before_the_rename_leaves_the_old_data(
    home: Home, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(updating.changes, "between", dies)
    with pytest.raises(OSError, match="no space left"):
        apply(home, published, "2026-11-20")

    assert not home.watched.exists()
    assert load(home.root).version == "2026-10-01"


def test_an_update_outlives_packages_until_they_are_newer(updated: tuple[Home, Report]) -> None:
    home, wheels = updated[0], locate()
    same = wheels.__class__(wheels.sat_db, wheels.products_db, wheels.xml, wheels.versions, "0" * 16)
    newer = wheels.__class__(
        wheels.sat_db, wheels.products_db, wheels.xml, {**wheels.versions, "satcfdi": "26.12.1"}, "0" * 16
    )

    assert (home.root / UPDATE_FILE).exists()
    for packages, version in ((wheels, "2026-11-20"), (same, "2026-11-20")):
        update = home.update(packages)
        assert update is not None
        assert update.version == version
    assert home.update(newer) is None


def test_an_operator_may_name_the_database(published: Path, tmp_path: Path) -> None:
    data = load(tmp_path, published)

    assert data.version == "2026-11-20"
    assert data.catalogs.product_exists("99999901")
    with pytest.raises(BadCatalogs, match="TIMBRA_CATALOG_PATH names the database"):
        apply(Home.of(tmp_path, published), published, "2026-11-20")


def test_a_folder_may_be_named_instead(home: Home, tmp_path: Path) -> None:
    assert Home.of(tmp_path, home.root) == home
    assert Home.of(tmp_path, None) == Home(tmp_path)


@pytest.mark.parametrize(
    ("text", "day"),
    [("catalogs-10.14.20260806.db", "2026-08-06"), ("/v10.15.20261120/catalogs.db.bz2", "2026-11-20"),
     ("catalogs.db", None), ("2026-02-30.db", None), ("x120260806.db", None)],
)  # fmt: skip
def test_dates_in_names(text: str, day: str | None) -> None:
    assert day_in(text) == day


def test_the_public_sample_database_is_read(sat_samples: Path) -> None:
    rows = read(sat_samples / "catalogs" / "sat_catalogs.sqlite", "2026-08-06")

    assert (len(rows.products), len(rows.units), len(rows.zips)) == (52_514, 2_418, 95_749)
    assert (rows_of(rows.units, "Dx").upper(), rows_of(rows.products, "01010101")) == ("DX", "01010101")
    assert {row[5] for row in rows.zips} >= {"Tiempo del Centro", "Tiempo del Sureste"}


def rows_of(rows: list[Any], code: str) -> str:
    return next(row[0] for row in rows if row[0] == code)
