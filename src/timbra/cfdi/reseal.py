"""A sealed document sealed again with another date: the next generation of one that no PAC has stamped."""

import base64
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from timbra.cfdi.build import CertificateText
from timbra.cfdi.certificate import read, verifies
from timbra.cfdi.parse import parse
from timbra.cfdi.seal import KeyMismatch, Sealed, Signer

LIMIT_BYTES = 16 * 1024 * 1024


def reseal(
    sealed_xml: bytes,
    issued_at: datetime,
    signer: Signer,
    certificate: CertificateText,
    cadena_of: Callable[[etree._Element], str],
) -> Sealed:
    """The same document dated ``issued_at`` (naive local time), with the seal and certificate of ``signer``.

    Raises KeyMismatch when key and certificate are no pair. Source: Anexo 20; SAT code 401 limits the age of Fecha.
    """
    root = parse(sealed_xml, limit=LIMIT_BYTES)
    root.set("Fecha", issued_at.isoformat(timespec="seconds"))
    root.set("NoCertificado", certificate.number)
    root.set("Certificado", certificate.base64)
    cadena = cadena_of(root)
    signature = signer.sign(cadena.encode())
    if not verifies(read(base64.b64decode(certificate.base64)).public_key, signature, cadena.encode(), SHA256()):
        raise KeyMismatch(f"the key is not the one of certificate {certificate.number}")
    sello = base64.b64encode(signature).decode("ascii")
    root.set("Sello", sello)
    return Sealed(etree.tostring(root, encoding="UTF-8", xml_declaration=True), sello, cadena)
