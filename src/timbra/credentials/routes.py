"""HTTP of certificates and manifests (contract teams.md sections 9 and 10)."""

import asyncio
from functools import partial

from starlette.responses import Response

from timbra.credentials import connect, manifest, store_manifests, upload
from timbra.credentials.parts import CredentialParts
from timbra.http.body import Command
from timbra.http.caller import Caller, Role
from timbra.http.envelope import JSONReply
from timbra.http.errors import FieldError, FileNotFound, Invalid, NotFound
from timbra.http.idempotency import Claim
from timbra.http.multipart import Upload
from timbra.http.routing import Router
from timbra.platform.tenancy import server_wide
from timbra.teams import store as teams
from timbra.teams.store import Team

CHECKS_AT_ONCE = 2  # each costs tens of milliseconds of one processor
PASSWORD_NAMES = (upload.PASSWORD, "password")


class SignManifest(Command):
    """POST /teams/{id}/manifest/sign."""

    cert: str
    key: str
    password: str


def routes(parts: CredentialParts) -> Router:
    """The operations that take a certificate with its key."""
    router = Router(tag="Teams", area="teams")
    checking = asyncio.Semaphore(CHECKS_AT_ONCE)

    @router.post(
        "/teams/{id}/sat-connection", "SAT connection completed successfully", role=Role.ADMIN, team_in_path="id"
    )
    async def connect_sat(caller: Caller, form: Upload, claim: Claim) -> JSONReply:
        cert, key, password = _parts_of(form)
        at_ms, team = parts.clock.now_ms(), await _team(parts, caller)
        async with checking:
            checked = await asyncio.to_thread(
                upload.check,
                cert,
                key,
                password,
                trust=parts.trust,
                livemode=caller.scope.livemode,
                allow_test_in_live=parts.allow_test_in_live,
                team_rfc=connect.own_rfc(team),
                now_ms=at_ms,
            )
        unit = partial(connect.connect, parts=parts, caller=caller, checked=checked, at_ms=at_ms)
        with server_wide():  # the event is a row of the team with Connect
            reply = await claim.once(parts.database, unit)
        parts.signers.forget(caller.scope)
        return reply

    @router.post("/teams/{id}/manifest/sign", "Manifest signed successfully", role=Role.ADMIN, team_in_path="id")
    async def sign_manifest(caller: Caller, body: SignManifest, claim: Claim) -> JSONReply:
        cert, key = manifest.decoded("cert", body.cert), manifest.decoded("key", body.key)
        at_ms, team = parts.clock.now_ms(), await _team(parts, caller)
        work = partial(manifest.signed, parts, caller, cert, key, body.password, team_rfc=team.tax_id, at_ms=at_ms)
        async with checking:
            made = await asyncio.to_thread(work)
        with server_wide():  # the event is a row of the team with Connect
            return await claim.once(parts.database, partial(manifest.keep, parts=parts, caller=caller, manifest=made))

    return router


async def _team(parts: CredentialParts, caller: Caller) -> Team:
    team = await parts.database.read(lambda tx: teams.team(tx, caller.scope.team_id))
    if team is None:
        raise NotFound.at("id")
    return team


def _parts_of(form: Upload) -> tuple[bytes, bytes, str]:
    """Certificate, key, password. Raises Invalid naming every part that is absent."""
    password = next((form.literal[name] for name in PASSWORD_NAMES if form.literal.get(name)), None)
    absent = [name for name in (upload.CERT, upload.KEY) if name not in form.files]
    if password is None:
        absent.append(upload.PASSWORD)
    if absent or password is None:
        raise Invalid([FieldError(name, "required", "is required") for name in absent])
    return form.files[upload.CERT].content, form.files[upload.KEY].content, password


async def manifest_file(parts: CredentialParts, file_id: str) -> Response:
    """The page that a signed link names. Raises FileNotFound."""
    pdf = await parts.database.read(lambda tx: store_manifests.pdf_anywhere(tx, file_id))
    if pdf is None:
        raise FileNotFound
    headers = {"content-disposition": f'attachment; filename="{file_id}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)
