"""Each provider's language, against transcripts written from its public documentation (docs/pacs)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factories import pac_replay, stamped
from factories.stamped import REFERENCE, UUID, request
from timbra.pac.breaker import Gate
from timbra.pac.port import Busy, CancelAccepted, Hints, NotThere, PacPort, Rejected, Stamped, Unknown
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.pac.talk import without_documents
from timbra.platform.addresses import Allowed
from timbra.platform.egress import Egress

PASSWORD = "se<cret&1"
CREDENTIALS = {
    "finkok": {"username": "user@example.com", "password": PASSWORD},
    "sw": {"token": "endless-token"},
    "prodigia": {"contract": "contract-1", "username": "user@example.com", "password": PASSWORD},
    "facturama": {"username": "user@example.com", "password": PASSWORD},
}
LOGIN = {"user": "user@example.com", "password": PASSWORD}
SECRETS = (PASSWORD, "se&lt;cret&amp;1", "endless-token", "contract-1", "dXNlckBleGFtcGxlLmNvbTpzZTxjcmV0JjE=",
           "token-of-the-session")  # fmt: skip

Deed = Callable[[PacPort], Awaitable[Any]]


def play(
    name: str, transcript: str, *deeds: Deed, credentials: dict[str, str] | None = None, **texts: str
) -> list[Any]:
    """What the deeds gave, once the transcript was followed to its end and nothing secret was kept."""

    async def run() -> list[Any]:
        egress = Egress(Allowed.of("127.0.0.1"))
        replay = pac_replay.Replay(pac_replay.read(f"{name}/{transcript}", stamped.values().texts(**texts)))
        async with replay:
            adapter = PROVIDERS[name].adapter(credentials or CREDENTIALS[name], replay.url)
            pac = RemotePac(adapter, egress, Gate())
            outcomes = [await deed(pac) for deed in deeds]
            await egress.aclose()
        assert (replay.faults, replay.left) == ([], [])
        kept = "".join(str(one.said) + repr([vars_of(part) for part in one.said]) for one in outcomes)
        assert [secret for secret in SECRETS if secret in kept] == []
        return outcomes

    return asyncio.run(run())


def vars_of(spoken: Any) -> tuple[Any, ...]:
    return (spoken.method, spoken.url, spoken.request, spoken.status, spoken.answer)


def stamp(pac: PacPort) -> Awaitable[Any]:
    return pac.stamp(stamped.sealed(), REFERENCE, hints=Hints())


def find(pac: PacPort) -> Awaitable[Any]:
    return pac.find(stamped.sealed(), REFERENCE, hints=Hints())


def cancel(pac: PacPort) -> Awaitable[Any]:
    return pac.cancel(request(), hints=Hints())


def the_stamp() -> Stamped:
    return Stamped(stamped.stamped(stamped.sealed()))


class TestFinkok:
    def test_stamps(self) -> None:
        [outcome] = play("finkok", "stamp", stamp)

        assert outcome == the_stamp()
        [spoken] = outcome.said
        assert (spoken.method, spoken.url.rpartition("/")[2], spoken.status) == ("POST", "stamp", 200)
        assert "<s:username>user@example.com</s:username><s:password>***</s:password>" in spoken.request
        assert "[base64 of" in spoken.request
        assert "sha256" not in spoken.answer
        assert "sha256" in without_documents([spoken])[0].answer
        assert "Comprobante timbrado satisfactoriamente" in spoken.answer

    def test_a_repeat_gives_the_first_stamp_or_nothing(self) -> None:
        given, empty = play("finkok", "stamp_again", stamp, stamp)

        assert given == the_stamp()
        assert empty == Unknown("307: stamped before, and the stamp was not given")

    def test_recovery_denies_at_first(self) -> None:
        denied, found = play("finkok", "stamped", find, find)

        assert denied == NotThere()
        assert found == the_stamp()

    @pytest.mark.parametrize(
        ("code", "message", "outcome"),
        [
            ("300", "El usuario y contraseña son inválidos", Busy("300 El usuario y contraseña son inválidos")),
            ("703", "Cuenta suspendida", Busy("703 Cuenta suspendida")),
            ("CFDI40147", "El campo X", Rejected("CFDI40147", "El campo X")),
            ("302", "Sello mal formado", Rejected("302", "Sello mal formado")),
            ("705", "XML Estructura inválida", Rejected("705", "XML Estructura inválida")),
            ("999", "Algo raro", Unknown("999: Algo raro")),
            ("", "", Unknown("no code: ")),
        ],
    )
    def test_incidents(self, code: str, message: str, outcome: Any) -> None:
        assert play("finkok", "incident", stamp, code=code, message=message) == [outcome]

    def test_a_fault_tells_nothing(self) -> None:
        [outcome] = play("finkok", "fault", stamp)

        assert outcome == Unknown("unreadable answer: SOAP fault: matching query does not exist.")

    def test_cancels(self) -> None:
        first, again, fresh, down, related = play("finkok", "cancel", cancel, cancel, cancel, cancel, cancel)

        acuse = stamped.ACUSE.format(UUID.upper()).encode()
        assert first == CancelAccepted("201", acuse)
        assert again == CancelAccepted("202", acuse)
        assert fresh == Rejected("205", "UUID no encontrado")
        assert down == Busy("708 - No se pudo conectar al SAT")
        assert related == Rejected("no_cancelable", "El UUID contiene CFDI relacionados")


class TestSw:
    def test_logs_in_stamps_and_recognises_a_repeat(self) -> None:
        first, again, empty, other = play("sw", "stamp", stamp, find, find, stamp, credentials=LOGIN)

        assert first == the_stamp()
        assert [spoken.url.rpartition("/")[2] for spoken in first.said] == ["authenticate", "v4"]
        assert (first.said[0].request, first.said[0].answer) == ("", "")
        assert again == the_stamp()
        assert empty == Unknown("307: stamped before, without the stamp")
        assert other == Unknown(f"CFDI3307: other bytes were stamped under this reference, as {UUID}")

    @pytest.mark.parametrize(
        ("status", "message", "detail", "outcome"),
        [
            ("400", "CFDI40147 - El campo X", "", Rejected("CFDI40147", "El campo X")),
            ("400", "401 - Fuera de rango", "72 h", Rejected("401", "Fuera de rango 72 h")),
            ("401", "El token debe contener 3 partes", "", Busy("credentials refused (401)")),
            ("403", "x", "", Busy("credentials refused (403)")),
            ("429", "x", "", Busy("too many requests")),
            ("400", "Saldo insuficiente", "", Busy("Saldo insuficiente")),
            ("500", "Error interno", "", Unknown("HTTP 500 : Error interno")),
        ],
    )
    def test_errors(self, status: str, message: str, detail: str, outcome: Any) -> None:
        assert play("sw", "error", stamp, status=status, message=message, detail=detail) == [outcome]

    def test_a_refusal_for_age_is_no_verdict_on_what_was_sent_before(self) -> None:
        texts = {"status": "400", "message": "401 - Fuera de rango", "detail": ""}

        assert play("sw", "error", find, **texts) == [Unknown("refused for its age now: 401 Fuera de rango")]

    def test_cancels(self) -> None:
        first, again, fresh, malformed, other = play("sw", "cancel", cancel, cancel, cancel, cancel, cancel)

        acuse = stamped.ACUSE.format(UUID.upper()).encode()
        assert first == CancelAccepted("201", acuse)
        assert again == CancelAccepted("202", acuse)
        assert fresh == Rejected("205", "205")
        assert malformed == Rejected("CACFDI33", "Problemas con los campos. El folio no es correcto.")
        assert other == CancelAccepted("201", acuse)  # the acuse names ours


class TestProdigia:
    def test_stamps_and_gives_the_first_stamp_to_a_repeat(self) -> None:
        first, again, empty = play("prodigia", "stamp", stamp, find, find)

        assert first == the_stamp()
        assert again == the_stamp()
        assert empty == Unknown("307: stamped, and the stamp was not given")

    @pytest.mark.parametrize(
        ("code", "message", "outcome"),
        [
            ("1", "El usuario no existe", Busy("1 El usuario no existe")),
            ("5", "Mantenimiento", Busy("5 Mantenimiento")),
            ("CFDI40147", "El campo X", Rejected("CFDI40147", "El campo X")),
            ("301", "XML mal formado.", Rejected("301", "XML mal formado.")),
            ("3", "Parámetro inválido", Unknown("3: Parámetro inválido")),
        ],
    )
    def test_errors(self, code: str, message: str, outcome: Any) -> None:
        assert play("prodigia", "error", stamp, code=code, message=message) == [outcome]

    def test_cancels(self) -> None:
        first, again, fresh, down = play("prodigia", "cancel", cancel, cancel, cancel, cancel)

        assert first == CancelAccepted("201", stamped.ACUSE.format(UUID.upper()).encode())
        assert again == CancelAccepted("202", b"")
        assert fresh == Rejected("205", "El UUID no existe.")
        assert isinstance(down, Busy)


class TestFacturama:
    def test_creates_from_values_and_fetches(self) -> None:
        [outcome] = play("facturama", "stamp", stamp)

        assert outcome == the_stamp()
        assert len(outcome.said) == 2

    def test_refusals(self) -> None:
        coded, own, login, broken = play("facturama", "refused", stamp, stamp, stamp, stamp)

        assert coded.code == "CFDI40147"
        assert own == Rejected("FACTURAMA", "No existe un CSD asociado al RFC")
        assert login == Busy("credentials refused (401)")
        assert broken == Unknown("HTTP 500")

    def test_finds_by_series_and_folio(self) -> None:
        absent, found, unclear = play("facturama", "find", find, find, find)

        assert absent == NotThere()
        assert found == the_stamp()
        assert isinstance(unclear, Unknown)

    def test_cancels_by_its_own_id(self) -> None:
        done, asked, unknown = play("facturama", "cancel", cancel, cancel, cancel)

        assert done == CancelAccepted("201", stamped.ACUSE.format(UUID.upper()).encode())
        assert asked == CancelAccepted("201", b"")
        assert unknown == Rejected("205", "Facturama no conoce el UUID")
