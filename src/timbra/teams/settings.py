"""A team's settings: what is stored is only what differs from the defaults of the contract (teams.md section 7)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from timbra.platform import json

IVA_16: Mapping[str, Any] = {"type": "IVA", "rate": "0.16", "factor": "Tasa", "inclusive": False, "withholding": False}

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "default_description": None,
        "override_item_description": None,
        "product_key": "01010101",
        "unit_key": "E48",
        "unit_name": None,
        "sku": None,
        "use": "G03",
        "taxes": (IVA_16,),
        "taxes_usd": (),
        "withholding_taxes": (),
        "local_taxes": (),
        "complements": (),
        "addenda": None,
        "invoice_pdf_notes": None,
        "enforce_client_country_taxes": False,
        "keep_full_legal_name": False,
        "force_series": None,
        "default_series": {"income": {"serie": "A"}, "complements": {"serie": "P"}, "credit_note": {"serie": "E"}},
        "pdf_language": "es",
        "periodicity": "month",
    }
)


class TeamSettings:
    """Read access to the settings in force."""

    __slots__ = ("_stored",)

    def __init__(self, stored: str | bytes) -> None:
        text = stored.encode() if isinstance(stored, str) else stored
        self._stored: Mapping[str, Any] = json.loads(text)

    def __getitem__(self, key: str) -> Any:
        stored = self._stored.get(key)
        default = DEFAULTS[key]
        if isinstance(default, dict) and isinstance(stored, dict):
            return {**default, **stored}
        return default if stored is None else stored

    def series_for(self, kind: str, asked: str | None) -> str:
        """Series of a document: ``force_series`` always wins, then the request, then the default of its kind."""
        default = self["default_series"][kind]["serie"]
        return str(self["force_series"] or asked or default)
