"""The control page of the sandbox at ``/sandbox``: what ``routes`` does, for people. No script, nothing from other hosts.

A session is opened by a test key or by a link of ``timbra sandbox``; its cookie goes to this page only. A form counts
only when it comes from this very origin.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from timbra.http import body as bodies
from timbra.http.caller import Caller
from timbra.http.errors import ApiError, InvalidToken, Unauthorized
from timbra.http.exchange import address_of, exchange_of
from timbra.http.ratelimit import RateLimits
from timbra.platform.tenancy import acting_for
from timbra.sandbox import clock, documents, settings, view
from timbra.sandbox.doors import LINK_S, SESSION_S, Doors
from timbra.sandbox.parts import SandboxParts
from timbra.sandbox.schemas import ChangeSandbox, MoveClock, ReceiverAnswer

HOME = "/sandbox"
COOKIE = "timbra_sandbox"
FORM_LIMIT_BYTES = 16 * 1024
STYLE = Path(__file__).parent / "assets" / "sandbox.css"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

Form = Mapping[str, str]


class Said(NamedTuple):
    """What the page says after a form: a word of ``view.SAYINGS``, and counts of work done."""

    word: str
    done: Mapping[str, int] = {}


Act = Callable[[Caller, Form], Awaitable[Said]]


class NotFromHere(ApiError):
    """A form of another page."""

    status = 403
    message = "This form was not sent from the control page"


@dataclass(frozen=True, slots=True)
class Pages:
    """The handlers of the page."""

    parts: SandboxParts
    doors: Doors
    limits: RateLimits

    def routes(self) -> list[Route]:
        """To be mounted before the API's table of operations."""
        acts: dict[str, Act] = {
            "/clock": self._move_clock,
            "/pacs": self._set_pac,
            "/receiver": self._set_receiver,
            "/reset": self._reset,
            "/answer": self._answer,
        }
        return [
            Route(HOME, self.home, methods=["GET"]),
            Route(f"{HOME}/sandbox.css", self.style, methods=["GET"]),
            Route(f"{HOME}/enter", self.enter, methods=["POST"]),
            Route(f"{HOME}/leave", self.leave, methods=["POST"]),
            *(Route(f"{HOME}{path}", self._acting(act), methods=["POST"]) for path, act in acts.items()),
        ]

    async def style(self, _: Request) -> Response:
        """The stylesheet."""
        return FileResponse(STYLE, media_type="text/css")

    async def home(self, request: Request) -> Response:
        """The page, or the door to it; a link opens a session first."""
        link = request.query_params.get("pass")
        try:
            if link is not None:
                return _opened(await self.doors.by_link(link), is_secure=self._is_secure())
            caller = await self._caller(request)
        except InvalidToken:
            text = f"This link does not work any more: links live {LINK_S // 3600} hours." if link else None
            return self._door(text, 403 if link else 200)
        with acting_for(caller.scope):
            return await self._page(request, caller)

    async def enter(self, request: Request) -> Response:
        """A session for the test key that was typed in."""
        try:
            form = await _form_of(request)
            exchange, address = exchange_of(request.scope), address_of(request.scope)
            try:
                session = await self.doors.by_key(
                    form.get("key", "").strip(), request_id=exchange.request_id, ip=address
                )
            except (InvalidToken, Unauthorized):
                await self.limits.take("badauth", address)
                raise
        except ApiError as error:
            return self._door(error.message, error.status or error.code.status)
        return _opened(session, is_secure=self._is_secure())

    async def leave(self, request: Request) -> Response:
        """The session of this browser is over."""
        await _form_of(request)
        reply = _redirect(HOME)
        reply.delete_cookie(COOKIE, path=HOME)
        return reply

    def _acting(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        """A handler that does something for the session's team and shows the page again."""

        async def handle(request: Request) -> Response:
            try:
                form = await _form_of(request)
                caller = await self._caller(request)
            except InvalidToken:
                return self._door("Your session is over.", 403)
            except ApiError as error:
                return self._door(error.message, error.status or error.code.status)
            with acting_for(caller.scope):
                try:
                    said = await act(caller, form)
                except ApiError as error:
                    return await self._page(request, caller, error)
            return _redirect(f"{HOME}?{urlencode({'said': said.word, **said.done})}")

        return handle

    async def _caller(self, request: Request) -> Caller:
        session, exchange = request.cookies.get(COOKIE, ""), exchange_of(request.scope)
        return await self.doors.caller(session, request_id=exchange.request_id, ip=address_of(request.scope))

    async def _page(self, request: Request, caller: Caller, error: ApiError | None = None) -> Response:
        html = await view.page(self.parts, caller, request.query_params if error is None else {}, error)
        status = 200 if error is None else error.status or error.code.status
        return Response(html, status, media_type="text/html", headers=_HEADERS)

    def _door(self, text: str | None, status: int = 200) -> Response:
        return Response(view.door(text), status, media_type="text/html", headers=_HEADERS)

    def _is_secure(self) -> bool:
        return self.doors.origin.startswith("https:")

    # --- forms -----------------------------------------------------------------------------------------------------

    async def _move_clock(self, caller: Caller, form: Form) -> Said:
        given: dict[str, Any] = {
            name: form[name] for name in ("advance_seconds", "working_days", "to") if form.get(name)
        }
        given |= {"month_end": True} if "month_end" in form else {}
        done = await clock.move(self.parts, caller, bodies.validate(MoveClock, given, None).move())
        return Said("moved", done)

    async def _set_pac(self, caller: Caller, form: Form) -> Said:
        given = {name: form[name] for name in ("behaviour", "code", "seconds", "calls") if form.get(name)}
        body = bodies.validate(ChangeSandbox, {"pacs": {form.get("pac", ""): given}}, None)
        assert body.pacs is not None, "given above"
        pacs = {name: control.control() if control is not None else None for name, control in body.pacs.items()}
        await settings.change(self.parts, caller, pacs, None)
        return Said("set")

    async def _set_receiver(self, caller: Caller, form: Form) -> Said:
        given = {"receiver": {"behaviour": form.get("behaviour", "")}}
        body = bodies.validate(ChangeSandbox, given, None)
        assert body.receiver is not None, "given above"
        await settings.change(self.parts, caller, {}, body.receiver.behaviour)
        return Said("set")

    async def _reset(self, caller: Caller, _: Form) -> Said:
        await settings.reset(self.parts, caller)
        return Said("reset")

    async def _answer(self, caller: Caller, form: Form) -> Said:
        body = bodies.validate(ReceiverAnswer, {"answer": form.get("answer")}, None)
        await documents.answer(self.parts, caller, form.get("uuid", ""), body.answer)
        return Said("answered")


async def _form_of(request: Request) -> Form:
    """The fields of a form of this page. Raises NotFromHere, BodyTooLarge."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc != request.url.netloc):
        raise NotFromHere
    raw = await bodies.read_raw(request.scope, request.receive, FORM_LIMIT_BYTES)
    return dict(parse_qsl(raw.decode(errors="replace")))


def _opened(session: str, *, is_secure: bool) -> Response:
    reply = _redirect(HOME)
    reply.set_cookie(COOKIE, session, max_age=SESSION_S, path=HOME, secure=is_secure, httponly=True, samesite="lax")
    return reply


def _redirect(to: str) -> Response:
    return Response(status_code=303, headers={**_HEADERS, "Location": to})
