"""The fourteen lists that SAT publishes under articles 69, 69-B and 69-B Bis CFF, and the files they come in.

One file may hold several lists (69-B: one per situation), one list may come in several files (condonados).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Layout(StrEnum):
    """How a file is written."""

    PRESUMED = "69-B"  # one row per procedure, with the notices and dates of each of its stages
    DEBTORS = "69"  # one row per debt, sentence or certificate; 69-B Bis has the same facts


@dataclass(frozen=True, slots=True)
class SatList:
    """One list. situation: the value of SAT's column that puts a row of a shared file on it, without case and accents."""

    id: str
    label: str
    description: str
    is_risky: bool
    affects_efos: bool = False
    situation: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What is loaded together: a layout, the lists in it and where SAT keeps it. ``id`` names it in settings and commands."""

    id: str
    layout: Layout
    lists: tuple[SatList, ...]
    sources: tuple[str, ...]


_SAT: Final = "https://wu1agsprosta001.blob.core.windows.net/agsc-publicaciones/Datos_abiertos"


def _debtors(id_: str, label: str, description: str, *files: str, risky: bool) -> Published:
    sources = tuple(f"{_SAT}/Documents_AGR/{name}.csv" for name in files)
    return Published(id_, Layout.DEBTORS, (SatList(id_, label, description, risky),), sources)


PUBLISHED: Final[tuple[Published, ...]] = (
    Published(
        "69b",
        Layout.PRESUMED,
        (
            SatList(
                "69b_presunto",
                "69-B Presunto",
                "Operaciones inexistentes, situación presunta",
                is_risky=True,
                affects_efos=True,
                situation="presunto",
            ),
            SatList(
                "69b_definitivo",
                "69-B Definitivo",
                "Operaciones inexistentes, situación definitiva",
                is_risky=True,
                affects_efos=True,
                situation="definitivo",
            ),
            SatList(
                "69b_desvirtuado",
                "69-B Desvirtuado",
                "Operaciones inexistentes, presunción desvirtuada",
                is_risky=False,
                situation="desvirtuado",
            ),
            SatList(
                "69b_sentencia_favorable",
                "69-B Sentencia favorable",
                "Operaciones inexistentes, sentencia favorable al contribuyente",
                is_risky=False,
                situation="sentencia favorable",
            ),
        ),
        (f"{_SAT}/Documents_AGAFF/Listado_completo_69-B.csv",),
    ),
    Published(
        "69b_bis",
        Layout.DEBTORS,
        (
            SatList(
                "69b_bis",
                "69-B Bis Transmisión indebida de pérdidas",
                "Transmisión indebida de pérdidas fiscales",
                is_risky=True,
            ),
        ),
        (f"{_SAT}/Documents_AGGC/Listado_69_B_Bis_Completo.csv",),
    ),
    _debtors("69_firmes", "69 Créditos firmes", "Créditos fiscales firmes", "Firmes", risky=True),
    _debtors(
        "69_exigibles",
        "69 Créditos exigibles",
        "Créditos fiscales exigibles, no pagados ni garantizados",
        "Exigibles",
        risky=True,
    ),
    _debtors(
        "69_no_localizados",
        "69 No localizados",
        "Contribuyentes no localizados en su domicilio fiscal",
        "No_localizados",
        risky=True,
    ),
    _debtors(
        "69_sentencias",
        "69 Sentencia condenatoria por delito fiscal",
        "Sentencia condenatoria ejecutoria por delito fiscal",
        "Sentencias",
        risky=True,
    ),
    _debtors(
        "69_csd_sin_efectos",
        "69 CSD sin efectos",
        "Certificados de sello digital sin efectos",
        "CSDsinefectos",
        risky=True,
    ),
    _debtors("69_cancelados", "69 Créditos cancelados", "Créditos fiscales cancelados", "Cancelados", risky=False),
    _debtors(
        "69_condonados",
        "69 Créditos condonados",
        "Créditos fiscales condonados (artículos 74, 146-B y 21 CFF, decreto de 2015 y 2007 a 2015)",
        "Condonadosart146BCFF",
        "Condonadosart21CFF",
        "CondonadosporDecreto",
        "Condonados_07_15",
        risky=False,
    ),
    _debtors(
        "69_reducciones",
        "69 Reducción de multas y recargos (art. 74)",
        "Reducción de multas y recargos (artículo 74 CFF)",
        "ReduccionArt74CFF",
        risky=False,
    ),
    _debtors(
        "69_retorno_inversiones",
        "69 Retorno de inversiones",
        "Retorno de inversiones",
        "Retornoinversiones",
        risky=False,
    ),
)

LISTS: Final[tuple[SatList, ...]] = tuple(each for published in PUBLISHED for each in published.lists)
BY_ID: Final[Mapping[str, SatList]] = {each.id: each for each in LISTS}
ORDER: Final[Mapping[str, int]] = {each.id: number for number, each in enumerate(LISTS)}
EFOS: Final[tuple[str, ...]] = tuple(each.id for each in LISTS if each.affects_efos)
assert len(LISTS) == len(BY_ID) == 14
