from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from timbra.webhooks import signing
from timbra.webhooks.signing import Opened, new_signing_secret

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
EVENT = "evt_01KKCA5P0R2T4V6X8Z0B2D4F6H"
BODY = b'{"id":"evt_01KKCA5P0R2T4V6X8Z0B2D4F6H","type":"invoice.created"}'


def test_vector_of_the_contract() -> None:
    assert signing.headers(Opened([SECRET], {}), EVENT, 1773165602, BODY) == {
        "webhook-id": EVENT,
        "webhook-timestamp": "1773165602",
        "webhook-signature": "v1,8a633xG5j7gc/KsS64Xv7rYqWEigsXVlMfsVzcoHI5U=",
        "X-Gigstack-Signature": "ca2d6ea07a4d5390a68a6eb806661311638302b8f4d368fd32aecd5697aa915a",
    }


def test_public_library_accepts_what_we_sign_and_nothing_that_was_altered() -> None:
    at_s = int(datetime.now(UTC).timestamp())
    old, new = new_signing_secret(), new_signing_secret()
    for number in range(1_000):
        body = BODY[:-1] + f',"n":{number}}}'.encode()
        headers = signing.headers(Opened([new, old], {}), f"evt_{number}", at_s, body)
        for secret in (old, new):
            Webhook(secret).verify(body, headers)
        altered = bytearray(body)
        altered[number % len(body)] ^= 1
        with pytest.raises(WebhookVerificationError):
            Webhook(new).verify(bytes(altered), headers)


@given(st.binary(max_size=200), st.integers(0, 4_000_000_000))
def test_newest_secret_alone_signs_the_older_header(body: bytes, at_s: int) -> None:
    old, new = new_signing_secret(), new_signing_secret()

    both = signing.headers(Opened([new, old], {}), "evt_1", at_s, body)

    assert both["X-Gigstack-Signature"] == signing.legacy_signature(new, body)
    assert both["webhook-signature"].split() == [signing.signature(each, "evt_1", at_s, body) for each in (new, old)]
