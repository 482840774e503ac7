"""timbra: a self-hosted e-invoicing server for Mexico (CFDI 4.0)."""

__version__ = "0.1.0"
