"""A database in the layout of phpcfdi/resources-sat-catalogs, made from the compiled data of the packages."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from timbra.catalogs.compile import DATABASE
from timbra.catalogs.published import SMALL
from timbra.catalogs.small import small_catalogs

FROM = "2022-01-01"
_SCHEMA = """
create table cfdi_40_productos_servicios (id text primary key, texto text not null, iva_trasladado int,
    ieps_trasladado int, complemento text, vigencia_desde text, vigencia_hasta text, estimulo_frontera int, similares text);
create table cfdi_40_claves_unidades (id text primary key, texto text not null, descripcion text, notas text,
    vigencia_desde text, vigencia_hasta text, simbolo text);
create table cfdi_40_codigos_postales (id text primary key, estado text, municipio text, localidad text,
    estimulo_frontera int, vigencia_desde text, vigencia_hasta text, huso_descripcion text);
create table cfdi_40_estados (estado text, pais text, texto text, vigencia_desde text, vigencia_hasta text);
create table cfdi_40_municipios (municipio text, estado text, texto text, vigencia_desde text, vigencia_hasta text);
create table cfdi_40_localidades (localidad text, estado text, texto text, vigencia_desde text, vigencia_hasta text);
"""
_BORDER = {"none": "", "north": 1, "south": 2}


def publish(folder: Path, target: Path, changes: Sequence[str] = ()) -> Path:
    """The rows compiled in ``folder`` as SAT's newer data, after some statements that change them."""
    with closing(sqlite3.connect(target)) as out, closing(sqlite3.connect(folder / DATABASE)) as data:
        out.executescript(_SCHEMA)
        _copy(out, "productos_servicios", data.execute(
            "select code, name, '', '', '', ?, coalesce(valid_to, ''), border_stimulus, synonyms from products"
            " join periods on periods.id = period where name is not null", (FROM,)))  # fmt: skip
        _copy(
            out, "claves_unidades", data.execute("select code, name, 'd ' || name, '', ?, '', '' from units", (FROM,))
        )
        _copy(out, "codigos_postales", [
            (code, state, town or "", place or "", _BORDER[border], FROM, "", zone)
            for code, state, town, place, border, zone in data.execute(
                "select code, state, municipality, locality, border_stimulus, zone from zip_codes")])  # fmt: skip
        _copy(out, "estados", data.execute("select code, 'MEX', name, ?, '' from states", (FROM,)))
        _copy(out, "municipios", data.execute("select code, state, name, ?, '' from municipalities", (FROM,)))
        _copy(out, "localidades", data.execute("select code, state, name, ?, '' from localities", (FROM,)))
        for catalog, (table, column) in SMALL.items():
            columns = "id text, texto text" if column == "id" else "id text, texto text primary key"
            out.execute(f"create table cfdi_40_{table} ({columns}, vigencia_desde text, vigencia_hasta text)")
            names = small_catalogs({})[catalog].names()
            _copy(
                out, table, [(code, code if column == "texto" else name, FROM, "") for code, (name, _) in names.items()]
            )
        for change in changes:
            out.execute(change)
        out.commit()
    return target


def _copy(out: sqlite3.Connection, table: str, rows: object) -> None:
    listed = list(rows)  # type: ignore[call-overload]
    out.executemany(f"insert into cfdi_40_{table} values ({', '.join('?' * len(listed[0]))})", listed)
