"""A Constancia de Situación Fiscal as SAT lays it out: card, QR codes, tables of two fields a row, table of regimes."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import segno
import typst

SAT_QR = "https://siat.sat.gob.mx/app/qr/faces/pages/mobile/validadorqr.jsf?D1={kind}&D2=1&D3={value}_{rfc}"
COMPANY = "Régimen General de Ley Personas Morales"
PERSON = "Régimen de las Personas Físicas con Actividades Empresariales y Profesionales"
SALARIES = "Régimen de Sueldos y Salarios e Ingresos Asimilados a Salarios"

TEMPLATE = r"""
#let c = json(bytes(sys.inputs.csf))
#set page(paper: "us-letter", margin: 1.5cm, footer: context align(right, text(7pt)[
  Página [#counter(page).display()] de [#counter(page).final().first()]]))
#set text(size: 9pt, font: "DejaVu Sans Mono", fallback: true)
#let qr(svg, size) = if svg != none { image(bytes(svg), format: "svg", width: size) }
#grid(columns: (1fr, 1fr), gutter: 8pt,
  rect(width: 100%)[
    *CÉDULA DE IDENTIFICACIÓN FISCAL*
    #grid(columns: (70pt, 1fr), gutter: 6pt, qr(c.card_qr, 66pt), [
      #c.card_rfc \ Registro Federal de Contribuyentes #v(2pt)
      #c.card_name \ Nombre, denominación o razón social #v(2pt)
      idCIF: #c.id_cif \ VALIDA TU INFORMACIÓN FISCAL])],
  [*CONSTANCIA DE SITUACIÓN FISCAL* \ Lugar y Fecha de Emisión \ #c.place \ #c.rfc])
#let fields(title, rows, columns) = {
  block(fill: luma(220), width: 100%, inset: 3pt, strong(title))
  table(columns: columns, stroke: 0.4pt, align: horizon, ..rows.flatten().map(it => [#it]))
}
#fields("Datos de Identificación del Contribuyente:", c.identity, (40%, 60%))
#fields("Datos del domicilio registrado", c.address, (50%, 50%))
#v(c.gap * 1pt)
#fields("Actividades Económicas:", (("Orden", "Actividad Económica", "Porcentaje", "Fecha Inicio", "Fecha Fin"),
  ("1", "Escuelas de educación superior del sector privado", "100", "17/03/1990", "")), (8%, 47%, 15%, 15%, 15%))
#fields("Regímenes:", (("Régimen", "Fecha Inicio", "Fecha Fin"),) + c.regimes, (60%, 20%, 20%))
#fields("Obligaciones:", (("Descripción de la Obligación", "Descripción Vencimiento", "Fecha Inicio", "Fecha Fin"),
  ("Declaración anual de ISR del ejercicio.", "Dentro de los tres meses siguientes al cierre del ejercicio.", "17/03/1990", "")),
  (35%, 35%, 15%, 15%))
Sus datos personales son incorporados y protegidos en los sistemas del SAT.

Cadena Original Sello: #c.seal_text \
Sello Digital: qWeRtY0123456789abcdefghijklmnop+/==
#qr(c.last_qr, 90pt)
"""


@dataclass
class Csf:
    """What is printed; everything may be contradicted or left out."""

    rfc: str = "EKU9003173C9"
    company: str | None = "ESCUELA KEMPER URGATE"
    person: tuple[str, str, str] | None = None
    id_cif: str = "14110863071"
    place: str = "PACHUCA DE SOTO , HIDALGO A 30 DE SEPTIEMBRE DE 2026"
    status: str = "ACTIVO"
    regimes: list[list[str]] = field(default_factory=lambda: [[COMPANY, "17/03/1990", ""]])
    zip: str = "42501"
    interior: str = ""
    street: str = "HIDALGO"
    gap: int = 0
    card_rfc: str | None = None
    card_name: str | None = None
    seal_rfc: str | None = None
    card_qr: str | None = SAT_QR
    last_qr: str | None = SAT_QR
    qr_rfc: str | None = None
    qr_id_cif: str | None = None

    def pdf(self) -> bytes:
        """The document."""
        made = typst.compile(TEMPLATE.encode(), sys_inputs={"csf": json.dumps(self._content())}, format="pdf")
        assert isinstance(made, bytes)
        return made

    def _content(self) -> dict[str, Any]:
        name = self.company if self.company is not None else " ".join(self.person or ())
        return {
            "rfc": self.rfc,
            "card_rfc": self.card_rfc or self.rfc,
            "card_name": self.card_name if self.card_name is not None else name,
            "id_cif": self.id_cif,
            "place": self.place,
            "identity": self._identity(),
            "address": [
                [f"Código Postal:{self.zip}", "Tipo de Vialidad: CALLE"],
                [f"Nombre de Vialidad: {self.street}", "Número Exterior: 10"],
                [f"Número Interior:{self.interior}", "Nombre de la Colonia: CENTRO"],
                [
                    "Nombre de la Localidad: PACHUCA DE SOTO",
                    "Nombre del Municipio o Demarcación Territorial: PACHUCA DE SOTO",
                ],
                ["Nombre de la Entidad Federativa: HIDALGO", "Entre Calle: AVENIDA JUÁREZ"],
                ["Y Calle: MORELOS", "Correo Electrónico: direccion@kemper.example"],
                ["Tel. Fijo Lada: 771", "Número: 7121212"],
            ],
            "regimes": self.regimes,
            "seal_text": f"||2026/09/30|{self.seal_rfc or self.rfc}|CONSTANCIA DE SITUACIÓN FISCAL|200001088888800000031||",
            "gap": self.gap,
            "card_qr": self._qr(self.card_qr, 10),
            "last_qr": self._qr(self.last_qr, 26),
        }

    def _identity(self) -> list[list[str]]:
        if self.company is not None:
            names = [
                ["Denominación/Razón Social:", self.company],
                ["Régimen Capital:", "SOCIEDAD ANONIMA DE CAPITAL VARIABLE"],
            ]
        else:
            first, second, third = self.person or ("", "", "")
            names = [
                ["CURP:", "CACX760510MGTSHC04"],
                ["Nombre (s):", first],
                ["Primer Apellido:", second],
                ["Segundo Apellido:", third],
            ]
        return [
            ["RFC:", self.rfc],
            *names,
            ["Nombre Comercial:", ""],
            ["Fecha inicio de operaciones:", "17 DE MARZO DE 1990"],
            ["Estatus en el padrón:", self.status],
            ["Fecha de último cambio de estado:", "17 DE MARZO DE 1990"],
        ]

    def _qr(self, form: str | None, kind: int) -> str | None:
        if form is None:
            return None
        text = form.format(kind=kind, value=self.qr_id_cif or self.id_cif, rfc=self.qr_rfc or self.rfc)
        drawn = io.BytesIO()
        segno.make(text, error="m").save(drawn, kind="svg", border=2)
        return drawn.getvalue().decode()
