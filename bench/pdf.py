"""Printing speed: CPU of one PDF by number of lines, every document different from the one before.

Run: python bench/pdf.py. Floors: 3 lines 30 ms, 100 lines 100 ms.
"""

import resource
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cfdi"))

from printed_cfdi import TEXTS, VERIFY, Printed, document

from timbra.cfdi.pdf import ASSETS, Brand, Renderer, from_document

FLOORS_MS = {3: 30, 100: 100}
RUNS = 25


def measure(renderer: Renderer, lines: int) -> tuple[float, float, int, int]:
    """Median CPU of reading and of printing in ms, pages, bytes."""
    reading, printing, pages, size = [], [], 0, 0
    for run in range(RUNS):
        root = document(Printed(lines=lines, receiver_name=f"CLIENTE NUMERO {lines} {run}", head={"Folio": str(run)}))
        start = time.process_time()
        view = from_document(root, verification_url=f"{VERIFY}{run}", texts=TEXTS)
        read = time.process_time()
        pdf = renderer.render(view, language="es", brand=Brand(), test_mode=False)
        reading.append((read - start) * 1000)
        printing.append((time.process_time() - read) * 1000)
        pages, size = pdf.count(b"/Type/Page\n") or pdf.count(b"/Type /Page\n"), len(pdf)
    return median(reading), median(printing), pages, size


def main() -> None:
    renderer = Renderer(ASSETS)
    measure(renderer, 1)
    print(f"{'lines':>6} {'pages':>6} {'read ms':>8} {'print ms':>9} {'kB':>6}  floor")
    for lines in (3, 40, 100, 300):
        reading, printing, pages, size = measure(renderer, lines)
        floor = FLOORS_MS.get(lines)
        verdict = "" if floor is None else f"{floor} ms {'ok' if reading + printing <= floor else 'MISSED'}"
        print(f"{lines:>6} {pages:>6} {reading:>8.1f} {printing:>9.1f} {size / 1000:>6.0f}  {verdict}")
    print(f"resident at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
