"""The only code that signs with a private key."""

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key


class RsaSigner:
    """Signs with an RSA key, PKCS#1 v1.5: equal data, equal signature. The key cannot be read back from it."""

    __slots__ = ("_key",)

    def __init__(self, plain_key: bytes) -> None:
        """``plain_key``: PKCS#8 DER that was fully checked when it was stored; it is not checked again here."""
        key = load_der_private_key(plain_key, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, RSAPrivateKey), "only RSA keys are stored"
        self._key = key

    def sign(self, data: bytes) -> bytes:
        """The signature over SHA-256, as sellos and timbres have it."""
        return self._key.sign(data, PKCS1v15(), SHA256())

    def sign_sha1(self, data: bytes) -> bytes:
        """The signature over SHA-1: only for cancellation requests and their acuses, where SAT asks for it."""
        return self._key.sign(data, PKCS1v15(), SHA1())  # noqa: S303 SAT asks for it
