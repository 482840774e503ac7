import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from timbra.platform.addresses import Allowed
from timbra.platform.clock import monotonic_s
from timbra.platform.db import in_transaction
from timbra.platform.egress import DEFAULT_LIMITS, Answer, Egress, EgressFailed, Limits, NotSent, Reason, Unknown

Receiver = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOCAL = Allowed.of("127.0.0.1")


@asynccontextmanager
async def serving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that does what ``receiver`` does with each connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await receiver(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answering(raw: bytes) -> Receiver:
    async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return receiver


async def asked(receiver: Receiver, limits: Limits = DEFAULT_LIMITS, method: str = "GET", **options) -> Answer:
    egress = Egress(LOCAL)
    try:
        async with serving(receiver) as port:
            return await egress.request(method, f"http://127.0.0.1:{port}/", limits=limits, **options)
    finally:
        await egress.aclose()


def names(**hosts: str | list[str]):
    """A resolver that knows these names; ``_`` stands for the dots."""
    known = {name.replace("_", "."): [value] if isinstance(value, str) else value for name, value in hosts.items()}

    async def resolve(host: str, port: int) -> list[str]:
        if host not in known:
            raise OSError
        return known[host]

    return resolve


def failed(call: Awaitable[object]) -> EgressFailed:
    with pytest.raises(EgressFailed) as caught:
        asyncio.run(call)
    return caught.value


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server, client): a certificate for hooks.example.com, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = Path(tmp_path_factory.mktemp("tls")) / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)


def test_answer_is_given_whatever_its_status() -> None:
    raw = b"HTTP/1.1 418 No\r\nX-One: a\r\nx-one: b\r\nContent-Length: 5\r\n\r\nhello"

    answer = asyncio.run(asked(answering(raw)))

    assert answer == Answer(418, {"x-one": "a, b", "content-length": "5"}, b"hello")


def test_request_is_sent_as_given() -> None:
    seen: list[bytes] = []

    async def receiver(reader, writer) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(3))
        writer.write(OK)

    async def run() -> None:
        egress = Egress(LOCAL)
        async with serving(receiver) as port:
            await egress.request("POST", f"http://127.0.0.1:{port}/a?b=1#c", headers={"X-Key": "ñ"}, body=b"xyz")
            seen.append(str(port).encode())
        await egress.aclose()

    asyncio.run(run())
    assert seen[0] == (
        b"POST /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:" + seen[1] + b"\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: timbra\r\nX-Key: \xf1\r\nContent-Length: 3\r\n\r\nxyz"
    )


def test_redirect_is_an_answer_and_not_followed() -> None:
    connections = []

    async def receiver(reader, writer) -> None:
        connections.append(1)
        await answering(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")(
            reader, writer
        )

    answer = asyncio.run(asked(receiver))

    assert (answer.status, answer.headers["location"], len(connections)) == (302, "http://169.254.169.254/", 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://localhost./",
        "https://[::ffff:127.0.0.1%25eth0]/",
        "https://[fe80::1%25eth0]/",
        "https://１２７.0.0.1/",
        "https://user@example.com/",
        "https://user:pw@example.com/",
        "https://@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com @127.0.0.1/",
        "https://%6c%6fcalhost/",
        "https://exa\tmple.com/",
        "https:///x",
        "https://",
        "//example.com/",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 9_000,
    ],
)
def test_url_is_refused_before_its_name_is_looked_up(url: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError("looked up")

    error = failed(Egress(resolve=resolve).request("GET", url))

    assert (type(error), error.reason) == (NotSent, Reason.URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://127。0。0。1/",
    ],
)
def test_address_of_no_public_host_is_refused(url: str) -> None:
    error = failed(Egress().request("GET", url))

    assert (type(error), error.reason) == (NotSent, Reason.ADDRESS)


@pytest.mark.parametrize(
    "found",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", ["8.8.8.8", "10.0.0.1"], ["2a00::1", "::1"]],
)
def test_one_private_address_refuses_the_name(found: str | list[str]) -> None:
    error = failed(Egress(resolve=names(hooks_example_com=found)).request("GET", "https://hooks.example.com/"))

    assert (type(error), error.reason) == (NotSent, Reason.ADDRESS)


def test_name_without_address_is_refused() -> None:
    error = failed(Egress(resolve=names()).request("GET", "https://hooks.example.com/"))

    assert (type(error), error.reason) == (NotSent, Reason.DNS)


def test_name_that_nobody_resolves_in_time_is_given_up() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        raise AssertionError

    began_s = monotonic_s()
    error = failed(Egress(resolve=resolve).request("GET", "https://hooks.example.com/", limits=Limits(connect_s=0.05)))

    assert (type(error), error.reason) == (NotSent, Reason.DNS)
    assert monotonic_s() - began_s < 1


def test_plain_http_is_for_allowed_hosts_alone() -> None:
    error = failed(Egress(LOCAL, resolve=names(a_com="8.8.8.8")).request("GET", "http://a.com/"))

    assert (type(error), error.reason) == (NotSent, Reason.URL)


def test_allowed_name_may_be_private() -> None:
    async def run() -> Answer:
        egress = Egress(Allowed.of("erp.lan"), resolve=names(erp_lan="127.0.0.1"))
        async with serving(answering(OK)) as port:
            answer = await egress.request("GET", f"http://erp.lan:{port}/")
        await egress.aclose()
        return answer

    assert asyncio.run(run()).body == b"ok"


def test_name_is_looked_up_once_and_the_checked_address_is_connected_to() -> None:
    """A name server that says public first and loopback after: the second answer is never asked for."""
    told: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        told.append("127.0.0.1" if told else "127.0.0.9")
        return [told[-1]]

    async def run() -> EgressFailed:
        egress = Egress(Allowed.of("127.0.0.9"), resolve=resolve)
        async with serving(answering(OK)) as port:
            with pytest.raises(NotSent) as caught:  # nobody listens at 127.0.0.9
                await egress.request("GET", f"http://rebind.example:{port}/")
            assert caught.value.reason is Reason.NETWORK
            assert told == ["127.0.0.9"]
            with pytest.raises(NotSent) as caught:
                await egress.request("GET", f"http://rebind.example:{port}/")
        await egress.aclose()
        return caught.value

    assert asyncio.run(run()).reason is Reason.ADDRESS


def test_kept_connection_serves_no_name_that_has_become_private() -> None:
    told = iter(["127.0.0.1", "10.0.0.1"])

    async def resolve(host: str, port: int) -> list[str]:
        return [next(told)]

    async def receiver(reader, writer) -> None:
        while True:
            await answering(OK)(reader, writer)

    async def run() -> None:
        egress = Egress(LOCAL, resolve=resolve)
        async with serving(receiver) as port:
            await egress.request("GET", f"http://rebind.example:{port}/")
            with pytest.raises(NotSent) as caught:
                await egress.request("GET", f"http://rebind.example:{port}/")
        await egress.aclose()
        assert caught.value.reason is Reason.ADDRESS

    asyncio.run(run())


def test_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async def run() -> Answer:
        egress = Egress(Allowed.of("127.0.0.0/8"), resolve=names(a_com=["127.0.0.9", "127.0.0.1"]))
        async with serving(answering(OK)) as port:
            answer = await egress.request("GET", f"http://a.com:{port}/")
        await egress.aclose()
        return answer

    assert asyncio.run(run()).status == 200


def test_certificate_is_verified_for_the_name_and_not_the_address(tls) -> None:
    server, client = tls

    async def run() -> list[object]:
        resolve = names(hooks_example_com="127.0.0.1", other_example_com="127.0.0.1")
        egress = Egress(LOCAL, tls=client, resolve=resolve)
        stranger = Egress(LOCAL, resolve=resolve)
        found: list[object] = []
        async with serving(answering(OK), server) as port:
            found.append((await egress.request("GET", f"https://hooks.example.com:{port}/")).body)
            for caller, host in ((egress, "other.example.com"), (stranger, "hooks.example.com")):
                with pytest.raises(NotSent) as caught:
                    await caller.request("GET", f"https://{host}:{port}/")
                found.append(caught.value.reason)
        await egress.aclose()
        await stranger.aclose()
        return found

    assert asyncio.run(run()) == [b"ok", Reason.TLS, Reason.TLS]


def test_refused_connection_has_sent_nothing() -> None:
    error = failed(Egress(LOCAL).request("POST", "http://127.0.0.1:1/", body=b"x"))

    assert (type(error), error.reason) == (NotSent, Reason.NETWORK)


def test_connection_that_ends_without_answer_leaves_it_unknown() -> None:
    async def receiver(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")

    error = failed(asked(receiver, method="POST", body=b"x"))

    assert (type(error), error.reason) == (Unknown, Reason.PROTOCOL)


def test_silence_ends_at_the_limits() -> None:
    async def receiver(reader, writer) -> None:
        await reader.read()

    for limits in (Limits(read_s=0.1), Limits(total_s=0.1)):
        began_s = monotonic_s()
        error = failed(asked(receiver, limits))
        assert (type(error), error.reason) == (Unknown, Reason.TIMEOUT)
        assert monotonic_s() - began_s < 2


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_dripped_headers_end_at_the_total_limit(start: bytes) -> None:
    async def receiver(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        for byte in b"HTTP/1.1 200 OK\r\n"[len(start) :] or b"x-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    began_s = monotonic_s()
    error = failed(asked(receiver, Limits(total_s=0.3, cut=True)))

    assert (type(error), error.reason) == (Unknown, Reason.TIMEOUT)
    assert monotonic_s() - began_s < 1


def test_dripped_body_is_cut_at_the_total_limit_and_the_status_counts() -> None:
    async def receiver(reader, writer) -> None:
        await answering(b"HTTP/1.1 204 OK\r\n".replace(b"204", b"200") + b"Content-Length: 1000\r\n\r\n")(
            reader, writer
        )
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    began_s = monotonic_s()
    answer = asyncio.run(asked(receiver, Limits(total_s=0.3, answer_bytes=4_096, cut=True)))

    assert answer.status == 200
    assert 1 <= len(answer.body) < 100
    assert monotonic_s() - began_s < 1


def _endless(head: bytes, sent: list[int]) -> Receiver:
    async def receiver(reader, writer) -> None:
        await answering(head)(reader, writer)
        for _ in range(16_384):
            writer.write(b"x" * 65_536)
            sent[0] += 65_536
            await writer.drain()

    return receiver


def test_answer_of_one_gibibyte_is_cut_after_its_first_bytes() -> None:
    sent = [0]

    answer = asyncio.run(
        asked(
            _endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", sent),
            Limits(answer_bytes=4_096, cut=True),
        )
    )

    assert (answer.status, answer.body) == (200, b"x" * 4_096)
    assert sent[0] < 16 * 1024 * 1024


@pytest.mark.parametrize("head", [b"Content-Length: 1073741824\r\n", b""])
def test_answer_that_is_too_large_is_refused(head: bytes) -> None:
    sent = [0]

    error = failed(asked(_endless(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", sent), Limits(answer_bytes=100_000)))

    assert (type(error), error.reason) == (Unknown, Reason.TOO_LARGE)
    assert sent[0] < 16 * 1024 * 1024


def test_endless_headers_are_refused() -> None:
    async def receiver(reader, writer) -> None:
        await answering(b"HTTP/1.1 200 OK\r\n")(reader, writer)
        while True:
            writer.write(b"x-more: " + b"x" * 1_000 + b"\r\n")
            await writer.drain()

    error = failed(asked(receiver, Limits(cut=True)))

    assert (type(error), error.reason) == (Unknown, Reason.PROTOCOL)


def test_packed_answer_is_not_unpacked() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"

    error = failed(asked(answering(raw)))
    cut = asyncio.run(asked(answering(raw), Limits(cut=True)))

    assert (type(error), error.reason) == (Unknown, Reason.PROTOCOL)
    assert (cut.status, cut.body) == (200, b"")


def test_what_is_not_http_is_refused() -> None:
    error = failed(asked(answering(b"SSH-2.0-OpenSSH_9.2\r\n")))

    assert (type(error), error.reason) == (Unknown, Reason.PROTOCOL)


def test_sink_gets_the_body_of_a_success_and_of_nothing_else() -> None:
    pieces: list[bytes] = []

    found = asyncio.run(asked(answering(OK), sink=pieces.append))
    missing = asyncio.run(asked(answering(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone"), sink=pieces.append))

    assert (found.body, missing.body, pieces) == (b"", b"none", [b"ok"])


def test_no_call_leaves_from_inside_a_transaction() -> None:
    async def run() -> None:
        in_transaction.set(True)
        await Egress(LOCAL).request("GET", "http://127.0.0.1:1/")

    with pytest.raises(AssertionError, match="no network call inside a transaction"):
        asyncio.run(run())


def test_header_with_a_line_end_is_refused() -> None:
    error = failed(asked(answering(OK), headers={"X-Key": "a\r\nHost: evil"}))

    assert error.reason is Reason.PROTOCOL


def test_parties_apart_share_no_connection() -> None:
    connections = []

    async def receiver(reader, writer) -> None:
        connections.append(1)
        while True:
            await answering(OK)(reader, writer)

    async def run() -> None:
        one = Egress(LOCAL)
        other = one.apart()
        async with serving(receiver) as port:
            for egress in (one, one, other):
                await egress.request("GET", f"http://127.0.0.1:{port}/")
        await one.aclose()
        await other.aclose()

    asyncio.run(run())
    assert len(connections) == 2


def test_caller_that_gives_up_is_not_told_of_a_timeout() -> None:
    async def receiver(reader, writer) -> None:
        await reader.read()

    async def run() -> None:
        task = asyncio.create_task(asked(receiver))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_check_tells_what_a_call_would_meet() -> None:
    egress = Egress(resolve=names(good_com="8.8.8.8", bad_com="10.0.0.1"))

    asyncio.run(egress.check("https://good.com/x"))
    found = [failed(egress.check(f"https://{host}/")).reason for host in ("bad.com", "none.com", "127.1")]

    assert found == [Reason.ADDRESS, Reason.DNS, Reason.URL]


def test_parallel_questions_for_one_name_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        asked_for.append(host)
        return [(2, 1, 6, "", (str(ipaddress.ip_address("8.8.8.8")), port))]

    monkeypatch.setattr("timbra.platform.resolver.socket.getaddrinfo", getaddrinfo)

    async def run() -> None:
        egress = Egress()
        await asyncio.gather(*(egress.check("https://hooks.example.com/") for _ in range(20)))

    asyncio.run(run())
    assert asked_for == ["hooks.example.com"]
