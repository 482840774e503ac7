"""Certificates of PACs: those in the folder, and those that SAT publishes and vouches for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from timbra.cfdi.certificate import read
from timbra.pac.certificates import PacCertificates, address_of
from timbra.pac.sandbox.authority import Issued, issue_pac, make_authority
from timbra.platform.egress import Answer, NotSent, Reason

OCTOBER_2026_MS = 1_791_504_000_000
NUMBER = "00001000000504465028"


class Repository:
    """SAT's, as far as it is asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.asked = answers, []  # type: ignore[var-annotated]

    async def request(self, method: str, url: str, **_: Any) -> Answer:
        self.asked.append(url)
        found = self.answers.get(url, Answer(404, {}, b"not here"))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture(scope="module")
def authority() -> Issued:
    return make_authority(serial="00001000000500000001", at_ms=OCTOBER_2026_MS)


@pytest.fixture(scope="module")
def issued(authority: Issued) -> Issued:
    return issue_pac(authority, serial=NUMBER, at_ms=OCTOBER_2026_MS)


def known(folder: Path, authority: Issued, repository: Repository) -> PacCertificates:
    return PacCertificates(folder, [read(authority.certificate)], repository)


def test_the_address_is_made_of_the_number() -> None:
    assert address_of(NUMBER) == f"https://rdc.sat.gob.mx/rccf/000010/000005/04/46/50/{NUMBER}.cer"


def test_a_published_certificate_is_fetched_once_and_kept(tmp_path: Path, authority: Issued, issued: Issued) -> None:
    repository = Repository({address_of(NUMBER): Answer(200, {}, issued.certificate)})
    certificates = known(tmp_path / "pacs", authority, repository)

    assert asyncio.run(certificates.fetch(NUMBER))
    assert asyncio.run(certificates.fetch(NUMBER))

    assert certificates[NUMBER] == issued.certificate
    assert len(repository.asked) == 1
    assert dict(known(tmp_path / "pacs", authority, Repository({}))) == {NUMBER: issued.certificate}


def test_what_nobody_vouches_for_is_not_believed(tmp_path: Path, authority: Issued) -> None:
    stranger = make_authority(serial="00001000000500000009", at_ms=OCTOBER_2026_MS)
    forged = issue_pac(stranger, serial=NUMBER, at_ms=OCTOBER_2026_MS)
    other = issue_pac(authority, serial="00001000000504465029", at_ms=OCTOBER_2026_MS)
    for body in (forged.certificate, other.certificate, b"<html>", b""):
        certificates = known(tmp_path, authority, Repository({address_of(NUMBER): Answer(200, {}, body)}))

        assert not asyncio.run(certificates.fetch(NUMBER))
        assert dict(certificates) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["", "1", "../../etc/passwd", "0000100000050446502x", "٠" * 20])
def test_only_numbers_are_looked_up(tmp_path: Path, authority: Issued, number: str) -> None:
    repository = Repository({})

    assert not asyncio.run(known(tmp_path, authority, repository).fetch(number))
    assert repository.asked == []


def test_an_unreachable_repository_is_no_fault(tmp_path: Path, authority: Issued) -> None:
    repository = Repository({address_of(NUMBER): NotSent(Reason.DNS, "no name")})

    assert not asyncio.run(known(tmp_path, authority, repository).fetch(NUMBER))


def test_a_folder_with_something_else_is_refused(tmp_path: Path, authority: Issued) -> None:
    (tmp_path / "wrong.cer").write_bytes(b"no certificate")

    with pytest.raises(ValueError, match="is no certificate of a PAC"):
        known(tmp_path, authority, Repository({}))
