"""Forty tokens that open nothing: one answer for all of them (contract auth.md section 1)."""

import base64
import hashlib
import hmac
import json as json_text
from collections.abc import Callable, Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from timbra.teams.keys import TokenKeys
from world import NOON_MS, Api, World

NOON_S = NOON_MS // 1000
Json = dict[str, Any]


def coded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json_text.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[Json, Json, bytes]:
    head, body, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json_text.loads(head), json_text.loads(body), signature


class Forger:
    """Has a good token, the server's public key, and keys of its own; ``sign`` even signs with the server's key."""

    def __init__(self, world: World) -> None:
        self.good = world.founded.test_key
        self.head, self.body, self.signature = parts(self.good)
        keys: TokenKeys = world.house.token_keys
        assert keys._newest is not None
        self.kid, self._private = keys._newest
        self.public = self._private.public_key()
        self.own = Ed25519PrivateKey.generate()

    def sign(self, body: Json, head: Json | None = None, key: Ed25519PrivateKey | None = None) -> str:
        text = f"{coded(head or self.head)}.{coded(body)}"
        return f"{text}.{coded((key or self._private).sign(text.encode()))}"

    def hmac(self, secret: bytes, alg: str = "HS256") -> str:
        text = f"{coded({**self.head, 'alg': alg})}.{coded(self.body)}"
        return f"{text}.{coded(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def forged(forger: Forger, world: World) -> Iterator[tuple[str, str]]:  # noqa: PLR0915 (a list)
    head, body, signature = forger.head, forger.body, forger.signature
    h, b, s = forger.good.split(".")
    raw = forger.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = forger.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = forger.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": coded(forger.own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }
    for alg in ("none", "None", "NONE", "nOnE"):
        yield f"alg {alg}", f"{coded({**head, 'alg': alg})}.{b}."
    yield "alg none with the good signature", f"{coded({**head, 'alg': 'none'})}.{b}.{s}"
    yield "no alg", f"{coded({'typ': 'JWT', 'kid': forger.kid})}.{b}.{s}"
    yield "HS256 with the public key, raw", forger.hmac(raw)
    yield "HS256 with the public key, PEM", forger.hmac(pem)
    yield "HS256 with the public key, DER", forger.hmac(der)
    yield "HS256 with the kid as secret", forger.hmac(forger.kid.encode())
    yield "HS256 with an empty secret", forger.hmac(b"")
    yield "HS512 name", forger.hmac(raw, "HS512")
    yield "ES256", jwt.encode(body, generate_private_key(SECP256R1()), algorithm="ES256", headers={"kid": forger.kid})
    yield "RS256", jwt.encode(body, generate_rsa(65537, 2048), algorithm="RS256", headers={"kid": forger.kid})
    yield "another Ed25519 key", forger.sign(body, key=forger.own)
    yield "jwk in the header", forger.sign(body, {**head, "jwk": jwk}, forger.own)
    yield "jku in the header", forger.sign(body, {**head, "jku": "https://evil.example/keys"}, forger.own)
    yield "x5u in the header", forger.sign(body, {**head, "x5u": "https://evil.example/cert"}, forger.own)
    yield "x5c in the header", forger.sign(body, {**head, "x5c": [coded(b"x")]}, forger.own)
    for kid in ("../../../../dev/null", "' OR 1=1 --", "", "1"):
        yield f"kid {kid!r}", forger.sign(body, {**head, "kid": kid})
    yield "kid is a list", forger.sign(body, {**head, "kid": [forger.kid]})
    yield "no kid", forger.sign(body, {"alg": "EdDSA", "typ": "JWT"})
    yield "header is no object", f"{coded([])}.{b}.{s}"
    yield "header nested without end", f"{coded(b'[' * 1200)}.{b}.{s}"
    yield "expired", forger.sign({**body, "exp": NOON_S - 31})
    yield "exp is text", forger.sign({**body, "exp": "tomorrow"})
    yield "other issuer", forger.sign({**body, "iss": "https://evil.example"})
    yield "no issuer", forger.sign({name: value for name, value in body.items() if name != "iss"})
    yield "other team", forger.sign({**body, "team": world.founded.rival_id})
    yield "unknown team", forger.sign({**body, "team": "team_x"})
    yield "test key as live", forger.sign({**body, "livemode": True})
    yield "livemode is text", forger.sign({**body, "livemode": "false"})
    yield "unknown key", forger.sign({**body, "key_id": "sk_test_0"})
    yield "key_id of the rival", forger.sign({**body, "key_id": parts(world.founded.rival_key)[1]["key_id"]})
    yield "key_id is a list", forger.sign({**body, "key_id": [body["key_id"]]})
    yield "well signed, never handed out", forger.sign({**body, "scopes": ["*"]})
    yield "well signed, other time of issue", forger.sign({**body, "iat": body["iat"] + 1})
    yield "changed claim under the good signature", f"{h}.{coded({**body, 'livemode': True})}.{s}"
    yield "cut at the end", forger.good[:-2]
    yield "without signature", f"{h}.{b}."
    yield "two parts", f"{h}.{b}"
    yield "four parts", f"{forger.good}.{s}"
    yield "signature of zeros", f"{h}.{b}.{coded(bytes(64))}"
    yield "signature cut", f"{h}.{b}.{coded(signature[:32])}"
    yield "body is no JSON", f"{h}.{coded(b'hello')}.{s}"
    yield "no base64", "ñ.ñ.ñ".encode("latin-1").decode("latin-1")
    yield "words", "password"
    yield "10 KB", "a" * 10_000


def test_every_forged_token_gets_one_and_the_same_answer(world: World):
    key = world.api.post("/api-keys", {"name": "gone"}).data
    world.api.delete(f"/api-keys/{key['id']}")
    cases = [*forged(Forger(world), world), ("revoked", key["token"])]
    assert len(cases) >= 40
    expected = None
    with world.unchanged():
        for what, token in cases:
            answer = raw_call(world, token)
            assert answer.status == 401, what
            body = {name: value for name, value in answer.json.items() if name != "request_id"}
            assert body["error"]["code"] == "invalid_token", what
            expected = expected or body
            assert body == expected, what
    assert world.api.get("/clients").status == 200


def raw_call(world: World, token: str) -> Any:
    async def call() -> Any:
        headers = [(b"authorization", b"Bearer " + token.encode("latin-1"))]
        return await world.http.get("/v2/clients", headers=headers)

    class Answer:
        def __init__(self, raw: Any) -> None:
            self.status, self.json = raw.status_code, raw.json()

    return Answer(world.run(call()))


def test_a_good_token_opens_with_and_without_the_word_bearer(world: World):
    shapes: list[Callable[[str], str]] = [lambda t: t, lambda t: f"bearer {t}", lambda t: f"BEARER   {t}"]
    for shape in shapes:
        api = Api(world, "")
        assert api.get("/clients", authorization=shape(world.founded.test_key)).status == 200
