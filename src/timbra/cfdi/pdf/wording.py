"""The words of one document in one language: labels, codes with their texts, names of taxes."""

from timbra.cfdi.codes_countries import COUNTRIES
from timbra.cfdi.pdf.english import ENGLISH
from timbra.cfdi.pdf.figures import figure, negative, percent, printable
from timbra.cfdi.pdf.labels import LABELS, SHORT_TAXES, TAXES
from timbra.cfdi.pdf.view import Texts
from timbra.cfdi.pdf.words import Language
from timbra.cfdi.read_values import ReadTax

EXEMPT = "Exento"


class Wording:
    """Speaks one language; codes without English words keep SAT's own."""

    def __init__(self, language: Language, texts: Texts) -> None:
        self.language = language
        self.labels = LABELS[language]
        self._texts = texts
        self._taxes = TAXES[language]
        self._short_taxes = SHORT_TAXES[language]

    def coded(self, catalog: str, code: str, own: str = "") -> str:
        """The code and what it means, "G03 Gastos en general"; ``own`` is the document's own name for it."""
        return printable(f"{code} {own or self._text(catalog, code)}".rstrip())

    def _text(self, catalog: str, code: str) -> str:
        english = self._english(catalog, code) if self.language == "en" else None
        return english or self._texts.text(catalog, code) or ""

    def _english(self, catalog: str, code: str) -> str | None:
        if catalog == "c_Pais":
            return COUNTRIES[code].english if code in COUNTRIES else None
        return ENGLISH.get(catalog, {}).get(code)

    def line_tax(self, tax: ReadTax, *, withheld: bool) -> str:
        """One tax of a line with its amount: "IVA 16% 544.00"."""
        name = self._named(self._short_taxes.get(tax.tax, tax.tax), tax, withheld=withheld)
        return name if tax.factor == EXEMPT else f"{name} {_signed(tax, withheld=withheld)}"

    def tax_total(self, tax: ReadTax, *, withheld: bool) -> tuple[str, str, str]:
        """One group of the summary: its name, the base as a remark, its amount."""
        remark = f"{self.labels['over']} {figure(tax.base)}" if tax.base else ""
        name = self._named(self._taxes.get(tax.tax, tax.tax), tax, withheld=withheld)
        return name, remark, _signed(tax, withheld=withheld)

    def _named(self, name: str, tax: ReadTax, *, withheld: bool) -> str:
        if withheld:
            name = f"{self.labels['withheld']} {name}"
        if tax.factor == EXEMPT:
            return f"{name} {self.labels['exempt']}"
        if not tax.rate:
            return name
        if tax.factor == "Cuota":
            return f"{name} {figure(tax.rate)} {self.labels['per_unit']}"
        return f"{name} {percent(tax.rate)}"


def _signed(tax: ReadTax, *, withheld: bool) -> str:
    return negative(tax.amount or "0") if withheld else figure(tax.amount or "0")
