"""What SAT's public status service says of a document, in SAT's own words (cancellation scheme of 2022)."""

from dataclasses import dataclass
from typing import Final

FOUND: Final = "S - Comprobante obtenido satisfactoriamente."
BAD_EXPRESSION: Final = "N - 601: La expresión impresa proporcionada no es válida."
NOT_FOUND: Final = "N - 602: Comprobante no encontrado."

IN_FORCE, CANCELED, MISSING = "Vigente", "Cancelado", "No Encontrado"
WITHOUT_ACCEPTANCE = "Cancelable sin aceptación"
WITH_ACCEPTANCE = "Cancelable con aceptación"
NOT_CANCELABLE = "No cancelable"
IN_PROGRESS = "En proceso"
REJECTED = "Solicitud rechazada"


@dataclass(frozen=True, slots=True)
class SatStatus:
    """One answer of the service. Empty members of the reply are None."""

    code: str  # CodigoEstatus: FOUND, BAD_EXPRESSION, NOT_FOUND
    state: str  # Vigente, Cancelado, No Encontrado
    cancelable: str | None  # Cancelable sin aceptación, Cancelable con aceptación, No cancelable
    cancellation: str | None  # En proceso, Cancelado sin/con aceptación, Plazo vencido, Solicitud rechazada
    efos: str | None = None  # ValidacionEFOS: 200, 201 mean that the issuer is on no list


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The service gave no answer that could be read: nothing is known."""

    reason: str
