"""An uploaded CSD or FIEL: everything that must be true before it is used. The password is used here once, kept nowhere."""

from dataclasses import dataclass, field

from timbra.cfdi.certificate import CertificateFacts, CredentialRefused, Kind, Reason, read
from timbra.cfdi.private_key import matches, open_key
from timbra.credentials.trust import Environment, Trust
from timbra.http.errors import ApiError, BusinessRule, FieldError, Invalid, InvalidFile, UploadFailed

CERT, KEY, PASSWORD = "cert", "key", "keyPass"  # parts of the multipart body
NAMES = {Kind.CSD: "a CSD", Kind.FIEL: "a FIEL (e.firma)", Kind.OTHER: "another kind of certificate"}

_FORMAT_PROBLEMS = {
    Reason.NOT_A_CERTIFICATE: "is not an X.509 certificate (DER or PEM)",
    Reason.KEY_IN_PLACE_OF_CERTIFICATE: "is a private key: the certificate and the key are swapped",
    Reason.NOT_RSA: "does not hold an RSA key",
    Reason.NOT_A_KEY: "is not an encrypted PKCS#8 private key (DER or PEM)",
    Reason.CERTIFICATE_IN_PLACE_OF_KEY: "is a certificate: the certificate and the key are swapped",
    Reason.KEY_NOT_ENCRYPTED: "is not encrypted: send the .key file as SAT gave it",
    Reason.KEY_UNSUPPORTED: "is encrypted or sized in a way SAT does not use (PBES2 and RSA of 2048 to 4096 bits are)",
    Reason.TOO_MANY_ITERATIONS: "asks for more than 1,000,000 iterations of its key derivation",
    Reason.KEY_BROKEN: "opens, but the private key inside is damaged",
}


@dataclass(frozen=True, slots=True)
class CheckedCsd:
    """A CSD that may be stored: certificate and key belong together, and it may be used in the slot it is for."""

    certificate: CertificateFacts
    environment: Environment
    plain_key: bytes = field(repr=False)


def check(
    cert: bytes,
    key: bytes,
    password: str,
    *,
    trust: Trust,
    livemode: bool,
    allow_test_in_live: bool,
    team_rfc: str | None,
    now_ms: int,
    kind: Kind = Kind.CSD,
    password_part: str = PASSWORD,
) -> CheckedCsd:
    """The checked CSD, or FIEL when that is the ``kind``. About 60 ms of CPU time: call it in a worker thread, outside any transaction.

    team_rfc: RFC the certificate must have; None when the team has none yet, or the generic one.
    Raises InvalidFile, UploadFailed, Invalid, BusinessRule (contract, teams.md section 9).
    """
    certificate = _certificate(cert, kind)
    plain_key = _plain_key(key, password, password_part)
    if not matches(certificate, plain_key):
        raise Invalid([FieldError(KEY, "conflict", "is not the private key of this certificate")])
    _check_dates(certificate, now_ms)
    refuse_other_rfc(certificate, team_rfc)
    environment = _environment(certificate, trust, livemode=livemode, allow_test_in_live=allow_test_in_live)
    return CheckedCsd(certificate, environment, plain_key)


def refuse_other_rfc(certificate: CertificateFacts, team_rfc: str | None) -> None:
    """Raises BusinessRule when the team has an RFC and it is not the certificate's."""
    if team_rfc is not None and certificate.rfc != team_rfc:
        raise BusinessRule(f"The certificate belongs to {certificate.rfc}, the team's RFC is {team_rfc}")


def _certificate(data: bytes, kind: Kind) -> CertificateFacts:
    try:
        certificate = read(data)
    except CredentialRefused as refused:
        raise _file_problem(CERT, refused.reason) from refused
    if certificate.kind is not kind:
        raise _format_problem(CERT, f"is {NAMES[certificate.kind]}, not {NAMES[kind]}")
    return certificate


def _plain_key(data: bytes, password: str, part: str) -> bytes:
    """The password is taken literally but for one line end, which forms and files append."""
    try:
        return open_key(data, password.removesuffix("\n").removesuffix("\r"))
    except CredentialRefused as refused:
        if refused.reason is Reason.NOT_OPENED:
            raise Invalid([FieldError(part, "format", "does not open the private key")]) from refused
        raise _file_problem(KEY, refused.reason) from refused


def _file_problem(part: str, reason: Reason) -> ApiError:
    if reason is Reason.EMPTY:
        return UploadFailed(f"{part}: the file is empty", fields=[FieldError(part, "min_length", "the file is empty")])
    if reason is Reason.TOO_LARGE:
        problem = FieldError(part, "max_length", "the file is larger than 64 KiB")
        return UploadFailed(problem.text, fields=[problem], status=413)
    return _format_problem(part, _FORMAT_PROBLEMS[reason])


def _format_problem(part: str, message: str) -> InvalidFile:
    problem = FieldError(part, "format", message)
    return InvalidFile(problem.text, fields=[problem])


def _check_dates(certificate: CertificateFacts, now_ms: int) -> None:
    if now_ms > certificate.not_after_ms:
        raise BusinessRule(f"The certificate {certificate.number} has expired")
    if now_ms < certificate.not_before_ms:
        raise BusinessRule(f"The certificate {certificate.number} is not valid yet")


def _environment(
    certificate: CertificateFacts, trust: Trust, *, livemode: bool, allow_test_in_live: bool
) -> Environment:
    environment = trust.environment_of(certificate)
    if environment is None:
        raise BusinessRule(
            "The certificate was issued neither by SAT"
            + ("" if livemode else ", nor by SAT's test authority, nor by this server's sandbox")
        )
    if livemode and environment is Environment.SANDBOX:
        raise BusinessRule("A certificate of the sandbox cannot be used in live mode")
    if livemode and environment is Environment.TEST and not allow_test_in_live:
        raise BusinessRule("A test certificate of SAT cannot be used in live mode")
    return environment
