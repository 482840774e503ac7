"""Certificates of PACs: whose timbres are believed in live mode.

A timbre names the certificate it was sealed with and does not carry it. What the operator has put into the folder is
known; any other is fetched from SAT's public repository, believed when one of SAT's own authorities signed it, and kept.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import structlog

from timbra.cfdi.certificate import CertificateFacts, CredentialRefused, HasPublicKey, issued_by, read
from timbra.pac.talk import Http
from timbra.platform.egress import EgressFailed, Limits

log = structlog.get_logger(__name__)

# SAT's repository files a certificate by the digits of its number.
REPOSITORY: Final = "https://rdc.sat.gob.mx/rccf"
LIMITS: Final = Limits(connect_s=3.0, read_s=5.0, total_s=6.0, answer_bytes=64 * 1024)
_NUMBER: Final = re.compile(r"[0-9]{20}", re.ASCII)


def address_of(number: str, repository: str = REPOSITORY) -> str:
    """Where SAT publishes the certificate with this number of 20 digits."""
    parts = (number[0:6], number[6:12], number[12:14], number[14:16], number[16:18])
    return f"{repository}/{'/'.join(parts)}/{number}.cer"


class PacCertificates(Mapping[str, bytes]):
    """DER by certificate number. ``folder``: ``*.cer`` files, where fetched ones are kept as well."""

    def __init__(
        self, folder: Path, authorities: Sequence[HasPublicKey], http: Http, *, repository: str = REPOSITORY
    ) -> None:
        self._folder = folder
        self._authorities = authorities
        self._http = http
        self._repository = repository
        self._known = dict(_load(folder))

    def __getitem__(self, number: str) -> bytes:
        return self._known[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    async def fetch(self, number: str) -> bool:
        """The certificate is known now: it was, or SAT's repository has it and SAT's authorities vouch for it."""
        if number in self._known:
            return True
        if _NUMBER.fullmatch(number) is None:
            return False
        try:
            answer = await self._http.request("GET", address_of(number, self._repository), limits=LIMITS)
        except EgressFailed as failure:
            log.warning("pac_certificate_unreachable", number=number, reason=str(failure))
            return False
        if answer.status != 200:
            return False
        return await self._keep(number, answer.body)

    async def _keep(self, number: str, der: bytes) -> bool:
        try:
            facts = read(der)
        except CredentialRefused:
            return False
        if facts.number != number or not self._is_vouched_for(facts):
            log.error("pac_certificate_refused", number=number)
            return False
        self._known[number] = der
        await asyncio.to_thread(self._write, number, der)
        return True

    def _is_vouched_for(self, facts: CertificateFacts) -> bool:
        try:
            return issued_by(facts, self._authorities) is not None
        except CredentialRefused:
            return False

    def _write(self, number: str, der: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"{number}.cer.part"
        partial.write_bytes(der)
        partial.replace(self._folder / f"{number}.cer")


def _load(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.cer")):
        try:
            yield read(der := path.read_bytes()).number, der
        except CredentialRefused as refused:
            raise ValueError(f"{path} is no certificate of a PAC: {refused.reason.value}") from refused
