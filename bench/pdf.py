"""Printing speed: CPU of one PDF by number of lines, every document different from the one before.

Run: python bench/pdf.py. Floors: 3 lines 30 ms, 100 lines 100 ms.
"""

import io
import resource
import sys
import time
from pathlib import Path
from statistics import median

from pypdf import PdfReader

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cfdi"))

from printed_cfdi import TEXTS, Printed, document

from timbra.cfdi.pdf import ASSETS, Brand, Renderer, from_document

FLOORS_MS = {3: 30, 100: 100}
RUNS = 25


def measure(renderer: Renderer, lines: int) -> tuple[list[float], int, int]:
    """CPU of reading and printing each document in ms, smallest first; pages; bytes."""
    spent, pages, size = [], 0, 0
    for run in range(RUNS):
        root = document(Printed(lines=lines, receiver_name=f"CLIENTE NUMERO {lines} {run}", head={"Folio": str(run)}))
        start = time.process_time()
        view = from_document(root, texts=TEXTS)
        pdf = renderer.render(view, language="es", brand=Brand(), test_mode=False)
        spent.append((time.process_time() - start) * 1000)
        pages, size = len(PdfReader(io.BytesIO(pdf)).pages), len(pdf)
    return sorted(spent), pages, size


def main() -> None:
    renderer = Renderer(ASSETS)
    measure(renderer, 1)
    print(
        f"{'lines':>6} {'pages':>6} {'median ms':>10} {'least ms':>9} {'kB':>6}  floor (least: other load disturbs it least)"
    )
    for lines in (3, 40, 100, 300):
        spent, pages, size = measure(renderer, lines)
        floor = FLOORS_MS.get(lines)
        verdict = "" if floor is None else f"{floor} ms {'ok' if spent[0] <= floor else 'MISSED'}"
        print(f"{lines:>6} {pages:>6} {median(spent):>10.1f} {spent[0]:>9.1f} {size / 1000:>6.0f}  {verdict}")
    print(f"resident at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
