"""SAT's list files as SAT writes them: Windows-1252, CRLF, title lines, quoted names, filler rows."""

from collections.abc import Iterable
from pathlib import Path

TITLES_69B = (
    "No,RFC,Nombre del Contribuyente,Situación del contribuyente,"
    "Número y fecha de oficio global de presunción SAT,Publicación página SAT presuntos,"
    "Número y fecha de oficio global de presunción DOF,Publicación DOF presuntos,"
    "Número y fecha de oficio global de contribuyentes que desvirtuaron SAT,Publicación página SAT desvirtuados,"
    "Número y fecha de oficio global de contribuyentes que desvirtuaron DOF,Publicación DOF desvirtuados,"
    "Número y fecha de oficio global de definitivos SAT,Publicación página SAT definitivos,"
    "Número y fecha de oficio global de definitivos DOF,Publicación DOF definitivos,"
    "Número y fecha de oficio global de sentencia favorable SAT,Publicación página SAT sentencia favorable,"
    "Número y fecha de oficio global de sentencia favorable DOF,Publicación DOF sentencia favorable"
)
TITLES_69 = "RFC,RAZON SOCIAL,TIPO PERSONA,SUPUESTO,FECHA DE PRIMERA PUBLICACION,ENTIDAD FEDERATIVA"
FILLER = "," * 19
AS_OF = (
    '"Información actualizada al {}; los listados a que se hace mención, son de carácter público",,,,,,,,,,,,,,,,,,,'
)


def row_69b(rfc: str, name: str, situation: str = "Definitivo", number: int = 1) -> str:
    """A row whose procedure has gone as far as the situation says."""
    notice = '"500-05-2018-14151 de fecha 1 de junio de 2018"'
    cells = [str(number), rfc, f'"{name}"', situation, notice, "01/06/2018", notice, "25/06/2018"] + [""] * 12
    if situation == "Definitivo":
        cells[12:16] = ["500-05-2018-27105 de fecha 3 de septiembre de 2018", "03/09/2018", "", "27/09/2018"]
    return ",".join(cells)


def file_69b(
    folder: Path, rows: Iterable[str], *, day: str = "30 de septiembre de 2026", name: str = "69b.csv"
) -> Path:
    """The complete list of 69-B."""
    title = "Listado completo de contribuyentes (Artículo 69-B del CFF)" + FILLER
    return written(folder / name, [AS_OF.format(day), title, TITLES_69B, *rows, FILLER])


def row_69(rfc: str, name: str, *, person: str = "M", assumption: str = "FIRMES", day: str = "01/01/2014") -> str:
    """A row of one of the lists of article 69."""
    return f"{rfc},{name},{person},{assumption},{day},CIUDAD DE MEXICO"


def file_69(folder: Path, rows: Iterable[str], *, titles: str = TITLES_69, name: str = "Firmes.csv") -> Path:
    """A list of article 69: no title lines, no date."""
    return written(folder / name, [titles, *rows])


def written(path: Path, lines: Iterable[str], encoding: str = "cp1252") -> Path:
    """The lines as a file."""
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def many(count: int) -> list[str]:
    """So many different RFCs of companies."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        f"{letters[n // 676 % 26]}{letters[n // 26 % 26]}{letters[n % 26]}{10 + n // 17_576 % 80:02}0101AB1"
        for n in range(count)
    ]
