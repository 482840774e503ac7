"""The child process that opens uploaded PDFs: it answers, or it dies alone."""

import asyncio
import json
import os
import random
import subprocess
import sys
import zlib
from typing import Any

import httpx
import pytest

from factories.api import Api
from factories.csf import Csf
from timbra.clients import csf_pages
from timbra.clients.csf_child import MEMORY_BYTES
from timbra.clients.csf_pages import CHILD, pages_of
from timbra.http.errors import InvalidFile

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def kemper() -> bytes:
    return Csf().pdf()


async def send(api: Api, content: bytes) -> httpx.Response:
    return await api.http.post(
        "/v2/clients/csf", files={"file": ("constancia.pdf", content)}, headers={"authorization": "test"}
    )


async def test_the_child_gives_texts_and_codes(kemper: bytes) -> None:
    pages = await pages_of(kemper)

    assert "Denominación/Razón Social: ESCUELA KEMPER URGATE" in pages.texts[0]
    assert [code[-24:] for code in pages.codes] == ["14110863071_EKU9003173C9"] * 2


async def test_a_client_is_made_of_what_it_gives(api: Api, kemper: bytes) -> None:
    reply = await send(api, kemper)

    assert (reply.status_code, reply.json()["data"]["csf"]["warnings"]) == (201, [])


async def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, kemper: bytes) -> None:
    hanging = tmp_path / "hanging.py"
    hanging.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(csf_pages, "CHILD", hanging)
    monkeypatch.setattr(csf_pages, "WALL_S", 0.3)

    with pytest.raises(InvalidFile):
        await pages_of(kemper)


async def test_a_child_that_never_ends_talking_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, kemper: bytes
) -> None:
    talking = tmp_path / "talking.py"
    talking.write_text("import sys\nwhile True: sys.stdout.write('[' * 100_000)\n")
    monkeypatch.setattr(csf_pages, "CHILD", talking)

    with pytest.raises(InvalidFile):
        await pages_of(kemper)


@pytest.mark.parametrize(
    "deed",
    [
        "open('/etc/hostname')",
        "__import__('socket').socket()",
        "__import__('os').pipe()",
        f"bytearray({MEMORY_BYTES})",
    ],
)
def test_a_confined_child_can_only_compute(deed: str) -> None:
    program = f"import sys, runpy, socket, os\nconfine = runpy.run_path({str(CHILD)!r})['confine']\nconfine()\n{deed}"

    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=20, check=False)

    assert run.returncode == 1
    assert run.stderr.strip().splitlines()[-1].startswith(("OSError: [Errno 24]", "MemoryError"))


def test_the_child_prints_one_object_whatever_it_reads() -> None:
    run = subprocess.run([sys.executable, "-I", str(CHILD)], input=b"x", capture_output=True, timeout=20, check=True)

    assert json.loads(run.stdout) == {"state": "broken"}


def bomb(kind: str) -> bytes:
    """A small file that would need gigabytes, or for ever."""
    match kind:
        case "flate":  # 1 GiB of blanks in a content stream
            packer = zlib.compressobj(9)
            blocks = [packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
            data = blocks[0] + blocks[1] * 1023
            return _with_stream(b"/Filter /FlateDecode", data)
        case "nested":  # a form that draws itself ten times, ten deep
            forms = b"".join(
                b"%d 0 obj <</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>/Length 60>>\n"
                b"stream\n%s\nendstream endobj\n" % (10 + n, 11 + n if n < 20 else 10, (b"/F Do " * 10))
                for n in range(21)
            )
            return _with_stream(b"", b"/F Do " * 10, forms, b"/Resources<</XObject<</F 10 0 R>>>>")
        case "picture":  # a picture that says it is 60,000 pixels wide and high
            picture = (
                b"10 0 obj <</Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB"
                b"/BitsPerComponent 8/Length 3>>\nstream\nabc\nendstream endobj\n"
            )
            return _with_stream(b"", b"9 0 0 9 0 0 cm /F Do", picture, b"/Resources<</XObject<</F 10 0 R>>>>")
    raise AssertionError(kind)


def _with_stream(filters: bytes, data: bytes, objects: bytes = b"", page: bytes = b"") -> bytes:
    return (
        b"%%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
        b"3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R%s>> endobj\n"
        b"4 0 obj <<%s/Length %d>>\nstream\n%s\nendstream endobj\n%strailer <</Root 1 0 R>>\n%%%%EOF"
        % (page, filters, len(data), data, objects)
    )


@pytest.mark.parametrize("kind", ["flate", "nested", "picture"])
async def test_a_bomb_breaks_only_the_child(api: Api, kind: str) -> None:
    reply = await send(api, bomb(kind))

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_file_format")
    assert api.events() == []


def mutants(pdf: bytes, count: int) -> list[bytes]:
    """Copies with a few bytes changed, cut, doubled or moved."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        copy = bytearray(pdf)
        for _ in range(chance.choice([1, 3, 30, 300])):
            at = chance.randrange(8, len(copy))
            match number % 4:
                case 0:
                    copy[at] = chance.randrange(256)
                case 1:
                    del copy[at : at + chance.randrange(1, 40)]
                case 2:
                    copy[at:at] = copy[max(0, at - 30) : at]
                case _:
                    copy[at : at + 4] = chance.randbytes(4)
            if len(copy) < 100:
                break
        made.append(bytes(copy))
    return made


@pytest.mark.parametrize(
    "count",
    [
        5,
        pytest.param(
            200, marks=[pytest.mark.soak, pytest.mark.skipif("TIMBRA_SOAK" not in os.environ, reason="make soak")]
        ),
    ],
)
async def test_broken_copies_are_read_or_refused(api: Api, kemper: bytes, count: int) -> None:
    waiting = mutants(kemper, count)
    outcomes = []
    while waiting:
        outcomes += await asyncio.gather(*(send(api, waiting.pop()) for _ in range(min(4, len(waiting)))))

    made = [reply for reply in outcomes if reply.status_code == 201]
    refusals = {reply.json()["error"]["code"] for reply in outcomes if reply.status_code != 201}
    assert {reply.status_code for reply in outcomes} <= {201, 400}
    assert refusals <= {"invalid_file_format"}
    assert len(api.events()) == len(made)
    assert {reply.json()["data"]["tax_id"] for reply in made} <= {"EKU9003173C9"}
