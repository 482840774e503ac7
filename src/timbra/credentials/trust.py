"""Which authorities issuers' certificates may come from, and what an authority makes of a certificate."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from timbra.catalogs import wheels
from timbra.cfdi.certificate import CertificateFacts, CredentialRefused, issued_by, read

ARCHIVE: Final = "transform/CertsProd.zip"
SAT_AUTHORITIES: Final = "AC"  # the archive also holds roots (ARC) and responders, which issue no CSD
TEST_FOLDER: Final = "test"

# Public key of SAT's authority for developers ("AC UAT", 2022-03-04 to 2030-03-04). No package carries it.
SAT_TEST_KEY: Final = RSAPublicNumbers(
    e=65537,
    n=int(
        "b94f2ffc58aa17b1e7a8d889df78057d2298ca627f2e4ea764a1c1bc6853a344e5555ede82a47146aaaa1c7c2c4133f8c7d2"
        "f4948d341f2b5f74748796cec55a1ecfb8d8bc256de00f1cc641bb13dda52014bc04763c2a37bfa681ccdc73e8c514799098"
        "cc65a0e56e6baac81637552566c415280069d360d45e5d900fae14944a07a60e86ff8d4fd67724baa26c1aa082c744c400ae"
        "52d59887137f6d0dd7047221d98908771aa17a6634ee7837bbd10ef89c06e3b8b6c33c7d960a1e82718f9b40e76a2c0f0247"
        "5c08ff5035915bad600531ba9647b5ed15dcf6db1386892b7c9ebb0764d136859620d93bc6d8b18afd212d65e1ae30838854"
        "c951b9038f92041461c05180057988e3e3d6003ca8164702a00466706ea7bb57f0ff58cf6b9b164ab8b9d0f06d0ae0cbef24"
        "6951717f86930301862f87c5d116514f89cab6602a379b0b85a15c98c77efb59c2c9a826aef0600e898d6f10a20f22979685"
        "6a6da565a92104daa2f82360ddb1288e4eb8834c779ec290f3323f08f9c60103ed423cbe18f2c767c4b0b4b00ca5155f5d27"
        "d6970e37bd206d6286dbd542892f7e2752b1b5f2748164df40bc7355b724b1c0c31dd2dbc7d32ae6a546cd1f189f64dddec6"
        "27c15b4d57542324ba098bb4b26a16e4f1fdc63859c07e6def99108a6c494ba313aa1eacdede44da95b58eb084cfdf0a6fc2"
        "5e75b16b424373f9c0ad8cff",
        16,
    ),
)


class Environment(StrEnum):
    """What a certificate is good for, by who issued it."""

    SANDBOX = "sandbox"
    TEST = "test"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class TrustedAuthority:
    """A key that signs certificates, and the environment they belong to."""

    environment: Environment
    public_key: RSAPublicKey


class Trust:
    """The trusted authorities, held in memory."""

    def __init__(self, authorities: Sequence[TrustedAuthority]) -> None:
        self._authorities = tuple(authorities)

    @property
    def authorities(self) -> Sequence[TrustedAuthority]:
        """All of them: the test slot takes certificates of every one."""
        return self._authorities

    def environment_of(self, certificate: CertificateFacts) -> Environment | None:
        """The environment of the authority that signed the certificate; None when it is none of ours."""
        found = issued_by(certificate, self._authorities)
        return found.environment if found else None


def load(*, folder: Path | None, sandbox: bytes) -> Trust:
    """The packaged authorities of SAT, the operator's, and this server's sandbox authority (``sandbox``: DER).

    folder: ``*.cer`` of further production authorities; those of test authorities in its subfolder ``test``.
    Raises ValueError naming a file that is no certificate.
    """
    own = [] if folder is None else [*_folder(folder, Environment.PRODUCTION)]
    test = [] if folder is None else [*_folder(folder / TEST_FOLDER, Environment.TEST)]
    return Trust(
        [
            TrustedAuthority(Environment.SANDBOX, read(sandbox).public_key),
            TrustedAuthority(Environment.TEST, SAT_TEST_KEY.public_key()),
            *_packaged(),
            *own,
            *test,
        ]
    )


def _packaged() -> Iterator[TrustedAuthority]:
    with zipfile.ZipFile(wheels.folder("satcfdi") / ARCHIVE) as archive:
        for name in sorted(archive.namelist(), reverse=True):  # the newest signed most of what is uploaded
            if name.startswith(SAT_AUTHORITIES):
                yield TrustedAuthority(Environment.PRODUCTION, read(archive.read(name)).public_key)


def _folder(folder: Path, environment: Environment) -> Iterator[TrustedAuthority]:
    for path in sorted(folder.glob("*.cer")):
        try:
            yield TrustedAuthority(environment, read(path.read_bytes()).public_key)
        except CredentialRefused as refused:
            raise ValueError(f"{path} is no certificate of an authority: {refused.reason.value}") from refused
