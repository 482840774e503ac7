"""How this machine compares with the one that the floors were set on, told by one RSA-2048 signature on either.

Absolute floors (150 requests a second, 60 ms) mean nothing on a machine that is throttled to a third of that speed, so
benchmarks print what was measured and judge it by the floor scaled to this machine, in the same run.
"""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

REFERENCE_SIGNATURE_MS = 0.245
FLOOR_S = 1.5


def rate(call: Callable[[], object]) -> float:
    """Calls a second of one thread."""
    call()
    done, began = 0, time.monotonic()
    while (spent := time.monotonic() - began) < FLOOR_S:
        call()
        done += 1
    return done / spent


def signatures_per_s() -> float:
    """RSA-2048 signatures of one thread: each invoice needs one, the sandbox's timbre another."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return rate(lambda: key.sign(b"||4.0|A|1|" * 60, PKCS1v15(), SHA256()))


def slowness(signature_ms: float) -> float:
    """How many times longer a signature takes here than on the reference machine."""
    return signature_ms / REFERENCE_SIGNATURE_MS


def described(signature_ms: float) -> str:
    """The line that every table starts with."""
    return f"RSA-2048 signature: {signature_ms:.3f} ms, {slowness(signature_ms):.2f} x the reference machine's"
