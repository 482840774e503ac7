"""Bodies that work as they stand, with a test key of ``timbra demo``: shown by the API documentation and tested."""

from typing import Any

IVA = {"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}
CLIENT = {
    "legal_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA", "tax_id": "URE180429TM6", "tax_system": "601",
    "address": {"zip": "86991"},
}  # fmt: skip
EXAMPLES: dict[str, dict[str, Any]] = {
    "income": {
        "client": CLIENT,
        "payment_method": "PUE",
        "payment_form": "03",
        "use": "G03",
        "items": [
            {
                "description": "Consultoría", "quantity": 2, "unit_price": 1500, "discount": 100,
                "product_key": "80141503", "unit_key": "E48", "taxes": [IVA],
            },
            {
                "description": "Hospedaje web", "quantity": 1, "unit_price": 580, "product_key": "81112100",
                "unit_key": "E48", "taxes": [{**IVA, "inclusive": True}],
            },
        ],
        "metadata": {"order": "7781"},
        "return_files_urls": True,
    },
    "payment": {
        "client": CLIENT,
        "payment_form": "03",
        "amount": 5800,
        "operation_number": "BNX-55120",
        "invoices": [
            {
                "invoice": "6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11",
                "external": {
                    "series": "A", "folio": "130", "currency": "MXN", "total": 11600, "previous_balance": 11600,
                    "installment": 1, "taxes": [{**IVA, "base": 10000, "amount": 1600}],
                },
                "amount": 5800,
            }
        ],
    },
    "egress": {
        "client": CLIENT,
        "payment_form": "03",
        "related_documents": [{"relationship": "01", "documents": ["6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"]}],
        "items": [{"description": "Bonificación", "unit_price": 1000, "taxes": [IVA]}],
    },
}  # fmt: skip
CANCELLATION = {"motive": "02"}
