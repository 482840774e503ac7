"""The receipt object of the API as ready JSON."""

from collections.abc import Mapping

from timbra.platform import json
from timbra.platform.json import Raw
from timbra.receipts.model import Receipt
from timbra.receipts.self_invoice import SelfInvoiceLinks


def shown(receipt: Receipt, links: SelfInvoiceLinks, files: Mapping[str, str | None] | None = None) -> Raw:
    """The receipt with its links. files: links to its files, none in lists and events."""
    url, short_url = links.url(receipt.id), links.short_url(receipt.id)
    return Raw(json.dumps(receipt.to_wire(url=url, short_url=short_url, files=files)))
