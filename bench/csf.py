"""How long POST /clients/csf takes: SAT's certificate as PDF in, a stored client out, over a real server.

Run: python bench/csf.py. Floor: 1.5 s for one certificate at a time. Each one is opened in a process of its own.
"""

import statistics
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from _server import Server, demo, load_average
from factories.csf import PERSON, SALARIES, Csf

FLOOR_S = 1.5
RUNS = 12
BOUNDARY = "csf"
LONG = (
    "ASOCIACIÓN INTERDISCIPLINARIA DE PEÑA & MÜLLER-STRÖMBERG PARA LA INVESTIGACIÓN Y EL DESARROLLO DE LA SIERRA NORTE"
)


def samples() -> dict[str, bytes]:
    """A company's certificate, one of two pages, and a person's with many regimes."""
    regimes = [[PERSON, "01/01/2022", ""], [SALARIES, "15/03/2020", ""]] * 12
    person = Csf(rfc="CACX7605101P8", company=None, person=("XOCHILT", "CASAS", "CHAVEZ"), regimes=regimes)
    return {
        "company, 1 page": Csf().pdf(),
        "long name, 2 pages": Csf(company=LONG, gap=330).pdf(),
        "person, 24 regimes": person.pdf(),
    }


def upload(origin: str, key: str, pdf: bytes) -> float:
    """Seconds until the client is made."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="c.pdf"\r\n\r\n'
    body = head.encode() + pdf + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    begin = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(f"{origin}/v2/clients/csf", body, headers), timeout=60) as reply:
        reply.read()
        assert reply.status == 201
    return time.perf_counter() - begin


def main() -> None:
    print(f"{load_average()}\n{'certificate':<22}{'kB':>6}{'at once':>9}{'p50 s':>8}{'max s':>8}  of the floor")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        key = demo(data_dir)["test_key"]
        with Server(data_dir) as server:
            send = partial(upload, server.origin, key)
            for name, pdf in samples().items():
                for at_once in (1, 4):
                    with ThreadPoolExecutor(at_once) as pool:
                        times = list(pool.map(send, [pdf] * RUNS))
                    middle = statistics.median(times)
                    met = met and (at_once > 1 or middle <= FLOOR_S)
                    share = f"{middle / FLOOR_S:.0%}"
                    print(f"{name:<22}{len(pdf) // 1000:>6}{at_once:>9}{middle:>8.2f}{max(times):>8.2f}  {share}")
    print("floor", "met" if met else "MISSED")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
