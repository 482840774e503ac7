"""Reading documents of others: the safe parser, and what a CFDI 4.0 says."""

from timbra.cfdi.parse import XmlRefused, parse

__all__ = ["XmlRefused", "parse"]
