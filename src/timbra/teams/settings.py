"""A team's settings: what is stored is only what differs from the defaults of the contract (teams.md section 7)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from timbra.platform import json

IVA_16: Mapping[str, Any] = {
    "type": "IVA",
    "rate": Decimal("0.16"),
    "factor": "Tasa",
    "base": None,
    "inclusive": False,
    "withholding": False,
}
MAIL_KINDS: Final = ("invoice", "complement", "credit_note", "payment", "receipt", "receipt_reminder")

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
        "concepts_catalog": (),
        "allowed_product_codes": (),
        "uses_on_self_invoice_portal": ("G03", "S01"),
        "allow_notes_on_self_invoice": False,
        "allow_product_code_on_self_invoice": False,
        "customer_portal_id": None,
        "global_invoice_disabled": False,
        "periodicity": "month",
        "global_invoicing_monthly_cuts": None,
        "invoice_per_receipt": False,
        "eom_ppd_threshold_days": 0,
        "use_foreign_public_in_usd": False,
        "enforce_client_country_taxes": False,
        "avoid_automations_on_currencies": (),
        "automate_complement_for_ppd_invoices": True,
        "automate_partial_payment_complements": True,
        "avoid_receipts": False,
        "cancel_receipts_on_refunds": True,
        "keep_full_legal_name": False,
        "force_series": None,
        "default_series": {"income": {"serie": "A"}, "complements": {"serie": "P"}, "credit_note": {"serie": "E"}},
        "pdf_language": "es",
        "send_invoice_english_pdf": False,
        "custom_payment_description": None,
        "limit_days_to_pay": None,
        "payment_reminders": {
            "enabled": False,
            "days": 3,
            "before_subject": None,
            "before_body": None,
            "after_subject": None,
            "after_body": None,
        },
        "refunds": {"automatic_refunds": True, "current_month_handler": "credit_note"},
        "reinvoice": {"window_days": 0, "handler": "cancel_resources"},
        "emails": {
            "invoices_bcc": (),
            "payments_bcc": (),
            "receipts_bcc": (),
            "avoid_invoice_emails": False,
            "avoid_test_invoice_emails": True,
            "avoid_receipts_emails": False,
            "avoid_foreign_receipts_emails": False,
            **{f"{kind}_{part}": None for kind in MAIL_KINDS for part in ("subject", "body")},
        },
        "email_templates": {},
    }
)
# One switch under two names: stored under the key, shown under both.
TWINS: Final = {"keep_full_legal_name": "avoid_legal_name_replacer"}


class TeamSettings:
    """Read access to the settings in force. ``stored``: what differs from the defaults."""

    __slots__ = ("stored",)

    def __init__(self, stored: str | bytes | Mapping[str, Any]) -> None:
        text = stored.encode() if isinstance(stored, str) else stored
        self.stored: Mapping[str, Any] = json.loads(text) if isinstance(text, bytes) else text

    def __getitem__(self, key: str) -> Any:
        return _over(DEFAULTS[key], self.stored.get(key))

    def changed(self, changes: Mapping[str, Any]) -> "TeamSettings":
        """The settings after an update: absent keys stay, None goes back to the default, groups merge leaf by leaf."""
        return TeamSettings(_merged(self.stored, changes))

    def to_wire(self) -> dict[str, Any]:
        """Every key with the value in force."""
        shown: dict[str, Any] = {}
        for key in DEFAULTS:
            shown[key] = self[key]
            if key in TWINS:
                shown[TWINS[key]] = shown[key]
        return shown

    def series_for(self, kind: str, asked: str | None) -> str:
        """Series of a document: ``force_series`` always wins, then the request, then the default of its kind."""
        default = self["default_series"][kind]["serie"]
        return str(self["force_series"] or asked or default)


def _over(default: Any, stored: Any) -> Any:
    if isinstance(default, dict):
        groups = stored if isinstance(stored, Mapping) else {}
        names: Iterable[str] = {**default, **groups}
        return {name: _over(default.get(name), groups.get(name)) for name in names}
    return default if stored is None else stored


def _merged(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(stored)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            group = merged.get(key)
            merged[key] = _merged(group if isinstance(group, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
