"""Sign the carta manifiesto with a team's FIEL, which is used once and kept nowhere (contract teams.md section 10)."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from timbra.cfdi.certificate import CertificateFacts, Kind
from timbra.credentials import connect, store_manifests, upload
from timbra.credentials.parts import CredentialParts
from timbra.credentials.signer import RsaSigner
from timbra.credentials.store_manifests import Manifest
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, FieldError, Invalid
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id

ZONE = ZoneInfo("America/Mexico_City")
TITLE = "Carta manifiesto"
PASSWORD = "password"  # noqa: S105 (the name of a field)
SEAL_WIDTH = 88


def decoded(part: str, text: str) -> bytes:
    """The file inside a base64 text, line breaks allowed. Raises Invalid naming ``part``."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid([FieldError(part, "format", "is not base64")]) from None


def signed(
    parts: CredentialParts, caller: Caller, cert: bytes, key: bytes, password: str, *, team_rfc: str | None, at_ms: int
) -> Manifest:
    """The manifest, signed and printed. About 0.2 s of CPU time: call it in a worker thread, outside any transaction."""
    if team_rfc is None:
        raise BusinessRule("The team has no RFC (tax_id) to sign a manifest for")
    livemode = caller.scope.livemode
    checked = upload.check(
        cert,
        key,
        password,
        trust=parts.trust,
        livemode=livemode,
        allow_test_in_live=parts.allow_test_in_live,
        team_rfc=team_rfc,
        now_ms=at_ms,
        kind=Kind.FIEL,
        password_part=PASSWORD,
    )
    certificate = checked.certificate
    day = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZONE)
    text = letter(certificate, parts.pac_name(livemode), day)
    signature = RsaSigner(checked.plain_key).sign(text.encode())
    seal = base64.b64encode(signature).decode()
    lines = [seal[at : at + SEAL_WIDTH] for at in range(0, len(seal), SEAL_WIDTH)]
    pdf = parts.letters.render(TITLE, text.split("\n\n"), [("Firma electrónica (RSA-SHA256)", "\n".join(lines))])
    return Manifest(
        id=new_id("manifest"),
        rfc=certificate.rfc,
        certificate_number=certificate.number,
        certificate=certificate.der,
        text=text,
        signature=signature,
        pdf=pdf,
        signed_by=caller.user_id,
        signed_ms=at_ms,
    )


def letter(certificate: CertificateFacts, pac: str, day: datetime) -> str:
    """What is signed: issuer, RFC, certificate, PAC and date (Central Mexico)."""
    return (
        f"{certificate.name}, con RFC {certificate.rfc}, manifiesta su conocimiento y autorización para que {pac} "
        "certifique los comprobantes fiscales digitales por Internet (CFDI) que emite, y para que el proveedor entregue "
        "al Servicio de Administración Tributaria copia de los comprobantes certificados, conforme al artículo 29 del "
        "Código Fiscal de la Federación y a la Resolución Miscelánea Fiscal vigente.\n\n"
        f"Certificado de e.firma: {certificate.number}\n\n"
        f"Fecha: {day:%Y-%m-%d %H:%M:%S} (tiempo del centro de México)"
    )


def keep(tx: Tx, parts: CredentialParts, caller: Caller, manifest: Manifest) -> dict[str, Any]:
    """The manifest is stored with its event and audit row; the reply's ``data``."""
    at_ms = manifest.signed_ms
    store_manifests.add(tx, caller.scope, manifest)
    changes = {"tax_id": manifest.rfc, "certificate_number": manifest.certificate_number}
    audit.append(tx, caller.scope, Action.TEAM_MANIFEST_SIGN, manifest.id, caller.actor, at_ms, changes=changes)
    connect.tell(tx, parts, caller.scope, "teams.sat.manifest.signed", at_ms)
    return {
        "signed": True,
        "signed_at": at_ms // 1000,
        "tax_id": manifest.rfc,
        "certificate_number": manifest.certificate_number,
        "file_url": parts.links.link(manifest.id),
    }
