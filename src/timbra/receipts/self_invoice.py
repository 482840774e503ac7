"""Links to the page where a buyer invoices a receipt: minted and verified here (contract portals.md section 1).

Key and code of a receipt follow from its id and a secret of the server, so that nothing of them needs to be stored but a
digest to find the receipt of a code by. They open the page for as long as the receipt exists.
"""

import hashlib
import hmac
from typing import Final
from urllib.parse import urlencode

from timbra.platform.db import Tx
from timbra.receipts import store
from timbra.receipts.model import Receipt
from timbra.teams import store as teams

KEY_LENGTH: Final = 22  # of 62 letters: 131 bits
CODE_LENGTH: Final = 16  # 95 bits; the beginning of the key
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class SelfInvoiceLinks:
    """Makes and checks the links. secret: derived from the master key; portal_url: origin of the hosted pages."""

    def __init__(self, secret: bytes, portal_url: str) -> None:
        self._secret = secret
        self._portal_url = portal_url

    def key(self, receipt_id: str) -> str:
        """What opens the page of the receipt."""
        number = int.from_bytes(hmac.digest(self._secret, receipt_id.encode(), "sha256"))
        letters = []
        for _ in range(KEY_LENGTH):
            number, letter = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[letter])
        return "".join(letters)

    def url(self, receipt_id: str) -> str:
        """The page of the receipt."""
        return f"{self._portal_url}/autofactura?{urlencode({'id': receipt_id, 'k': self.key(receipt_id)})}"

    def short_url(self, receipt_id: str) -> str:
        """The same page, for print."""
        return f"{self._portal_url}/r/{self.key(receipt_id)[:CODE_LENGTH]}"

    def code_digest(self, receipt_id: str) -> bytes:
        """What is stored to find the receipt of a code by."""
        return digest(self.key(receipt_id)[:CODE_LENGTH])

    def verify(self, tx: Tx, receipt_id: str, key: str) -> Receipt | None:
        """The receipt that id and key open; None for a wrong key, an unknown receipt, or one of a team that is gone.

        The caller acts for the server: no team is known yet. Every refusal takes the same steps.
        """
        found = opened_by_code(tx, key[:CODE_LENGTH])
        is_right = hmac.compare_digest(self.key(receipt_id).encode(), key.encode())
        return found if is_right else None


def opened_by_code(tx: Tx, code: str) -> Receipt | None:
    """The receipt of a short link, None for an unknown code. The caller acts for the server."""
    return _of_active_team(tx, store.find_by_code(tx, digest(code)))


def _of_active_team(tx: Tx, receipt: Receipt | None) -> Receipt | None:
    if receipt is None:
        return None
    team = teams.team(tx, receipt.team_id)
    return receipt if team is not None and team.is_active else None


def digest(code: str) -> bytes:
    """What is stored of a code: 95 bits of entropy need no salt."""
    return hashlib.sha256(code.encode()).digest()
