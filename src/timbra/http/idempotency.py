"""Same key, same effect, same answer: a record with a state that lives in the domain's own transactions.

A POST handler that declares ``claim: Claim`` decides where the key is taken. Simple creation, one transaction:

    return await claim.once(db, lambda tx: create(tx, caller, body))

A document that outlives its request (two transactions with a call between them):

    if claim.resource_id: ...       # an earlier run left this resource: answer with its present state, make nothing
    Tx 1: claim.take(tx); ...; claim.bind(tx, invoice_id)
    Tx 2: claim.finish(tx, reply.status_code, bytes(reply.body))     # a 2xx that is final
          claim.release(tx)                                          # refused: the key is free again

Whatever is neither finished nor released when the handler ends is let go by the route: unbound keys become free, bound
ones wait for a repeat. Without a key every method does nothing. A run whose process died is taken over after 60 s.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from timbra.http import store
from timbra.http.envelope import JSONReply
from timbra.http.errors import Conflict, FieldError, Invalid
from timbra.platform import json
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope

LEASE_MS = 60_000
SECRETS_KEPT_MS = 24 * 3_600_000
RECORDS_KEPT_MS = 30 * 24 * 3_600_000
RETRY_AFTER_S = 2
MAX_KEY = 255
HEADER = "Idempotency-Key"


class SecretBox(Protocol):
    """Encrypts replies that hold secrets; ``wiring`` hands one out. ``context`` binds the text to its record."""

    def seal(self, plain: bytes, context: str) -> str: ...

    def open(self, sealed: str, context: str) -> bytes: ...


class Replayed(Exception):
    """The request was answered before; ``reply`` is that answer. Raised where a key turns out to be finished."""

    def __init__(self, reply: JSONReply) -> None:
        super().__init__("idempotent replay")
        self.reply = reply


def in_progress() -> Conflict:
    """The refusal of a repeat that comes too early."""
    problem = FieldError("idempotency_key", "conflict", "is in use by a request that is still running")
    return Conflict(problem.text, fields=[problem], headers={"Retry-After": str(RETRY_AFTER_S)})


def other_request() -> Conflict:
    """The refusal of a key that belongs to another request."""
    problem = FieldError("idempotency_key", "conflict", "was used with a different request")
    return Conflict(problem.text, fields=[problem])


def header_key(value: str | None) -> str | None:
    """The checked header, None when there is none. Raises Invalid."""
    if value is None:
        return None
    if not 1 <= len(value) <= MAX_KEY or not (value.isascii() and value.isprintable()):
        raise Invalid([FieldError(HEADER, "format", f"must be 1 to {MAX_KEY} printable ASCII characters")])
    return value


def body_key(data: Mapping[str, Any]) -> str | None:
    """The ``idempotency_key`` of a body; a malformed one is left to the field validation."""
    value = data.get("idempotency_key")
    text = value.strip() if isinstance(value, str) else ""
    return text if 1 <= len(text) <= MAX_KEY and text.isprintable() else None


def fingerprint(data: Mapping[str, Any], query: Mapping[str, str]) -> str:
    """SHA-256 in hex of what the request asks for: the body without its key, the query without ``team``."""
    asked = {name: value for name, value in data.items() if name != "idempotency_key"}
    return hashlib.sha256(json.canonical([asked, {n: v for n, v in query.items() if n != "team"}])).hexdigest()


IsRefused = Callable[[Tx, TeamScope, str], bool]


class Idempotency:
    """Begins claims. ``secrets`` None: replies with secrets are replayed with nulls in their place at once.

    is_refused: whether the resource that a key is bound to was refused for good after its request had ended.
    """

    def __init__(
        self, db: Database, clock: Clock, secrets: SecretBox | None = None, *, is_refused: IsRefused | None = None
    ) -> None:
        self.db = db
        self.clock = clock
        self.secrets = secrets
        self.is_refused = is_refused

    async def begin(
        self, scope: TeamScope, path: str, key: str | None, print_: str, render: "Render | None" = None
    ) -> "Claim":
        """The claim of a request, not yet taken. Raises Replayed, Conflict."""
        claim = Claim(self, scope, store.Slot(path, key) if key else None, print_, render)
        if claim.slot is not None:
            slot = claim.slot
            record = await self.db.look(lambda tx: store.find(tx, scope, slot))
            if record is not None and not await self._freed(scope, slot, record):
                claim.resource_id = claim.judge(record)
        return claim

    async def _freed(self, scope: TeamScope, slot: store.Slot, record: store.Record) -> bool:
        """True when what an unfinished run left was refused since, in the background: its key is free from now on."""
        run_id, resource_id = record.run_id, record.resource_id
        if self.is_refused is None or record.status is not None or resource_id is None:
            return False
        is_refused = self.is_refused
        if not await self.db.read(lambda tx: is_refused(tx, scope, resource_id)):
            return False
        await self.db.write(lambda tx: store.remove(tx, scope, slot, run_id))
        return True

    def void_runs(self, tx: Tx) -> None:
        """Runs of dead processes end now. Only for SQLite, where this process is the only one."""
        store.void_runs(tx)

    def purge(self, tx: Tx) -> int:
        """Records past their 30 days are gone; how many."""
        now = self.clock.now_ms()
        return store.purge(tx, created_before_ms=now - RECORDS_KEPT_MS, now_ms=now)


Render = Callable[[Any], JSONReply]


@dataclass(slots=True)
class Claim:
    """One request's hold on its key. ``resource_id``: what an earlier, unfinished run of the same request left."""

    owner: Idempotency
    scope: TeamScope
    slot: store.Slot | None
    fingerprint: str
    render: Render | None = None
    resource_id: str | None = None
    run_id: str | None = None

    def judge(self, record: store.Record) -> str | None:
        """The resource of a dead run, if any. Raises Replayed when the record is finished, Conflict when it is not ours."""
        if record.fingerprint != self.fingerprint:
            raise other_request()
        if record.status is not None:
            raise Replayed(self._replay(record))
        if record.lease_until_ms > self.owner.clock.now_ms():
            raise in_progress()
        return record.resource_id

    def take(self, tx: Tx) -> None:
        """The key is held by this request for 60 s. Raises Replayed, Conflict; nothing is stored then."""
        if self.slot is None:
            return
        now = self.owner.clock.now_ms()
        run_id = new_id("run")
        inserted = store.insert_running(
            tx,
            self.scope,
            self.slot,
            fingerprint=self.fingerprint,
            run_id=run_id,
            now_ms=now,
            lease_until_ms=now + LEASE_MS,
        )
        if not inserted:
            self._take_over(tx, run_id, now + LEASE_MS)
        self.run_id = run_id

    def _take_over(self, tx: Tx, run_id: str, lease_until_ms: int) -> None:
        assert self.slot is not None
        record = store.find(tx, self.scope, self.slot)
        if record is None:
            raise in_progress()
        if self.judge(record) != self.resource_id:
            raise in_progress()  # bound since this request looked: a repeat will resume it
        taken = store.take_over(
            tx, self.scope, self.slot, dead_run=record.run_id, run_id=run_id, lease_until_ms=lease_until_ms
        )
        if not taken:
            raise in_progress()

    def bind(self, tx: Tx, resource_id: str) -> None:
        """A repeat of this request resumes ``resource_id`` from now on."""
        if self.slot is not None and self.run_id is not None:
            store.bind(tx, self.scope, self.slot, self.run_id, resource_id)
            self.resource_id = resource_id

    def finish(self, tx: Tx, status: int, body: bytes, *, secret_paths: Sequence[str] = ()) -> None:
        """Repeats get this very reply. ``secret_paths``: dotted members such as ``data.token``, kept encrypted for 24 h."""
        if self.slot is None or self.run_id is None:
            return
        assert 200 <= status < 300, "only successes are replayed"
        sealed, until = None, None
        if secret_paths:
            if self.owner.secrets is not None:
                sealed = self.owner.secrets.seal(body, self._context())
                until = self.owner.clock.now_ms() + SECRETS_KEPT_MS
            body = without(body, secret_paths)
        store.finish(
            tx,
            self.scope,
            self.slot,
            self.run_id,
            status=status,
            body=body,
            sealed_body=sealed,
            sealed_until_ms=until,
        )
        self.run_id = None

    def release(self, tx: Tx) -> None:
        """The key is free again: the request left nothing that a repeat should find."""
        if self.slot is not None and self.run_id is not None:
            store.remove(tx, self.scope, self.slot, self.run_id)
            self.run_id = None

    async def once(self, db: Database, unit: Callable[[Tx], Any], *, secret_paths: Sequence[str] = ()) -> JSONReply:
        """The reply of ``unit``, which runs with the key in one transaction; what it returns is rendered as by the route."""
        render = self.render
        assert render is not None, "claims of routes know how to render"

        def work(tx: Tx) -> JSONReply:
            self.take(tx)
            reply = render(unit(tx))
            self.finish(tx, reply.status_code, bytes(reply.body), secret_paths=secret_paths)
            return reply

        try:
            return await db.write(work)
        finally:
            self.run_id = None  # finished, or rolled back with everything else

    async def let_go(self) -> None:
        """An unfinished run is over: its key is free, or waits for a repeat when it is bound."""
        if self.slot is not None and self.run_id is not None:
            slot, run_id = self.slot, self.run_id
            await self.owner.db.write(lambda tx: store.let_go(tx, self.scope, slot, run_id))

    def _replay(self, record: store.Record) -> JSONReply:
        assert record.status is not None
        body = (record.body or "").encode()
        is_kept = record.sealed_until_ms is not None and record.sealed_until_ms > self.owner.clock.now_ms()
        if is_kept and record.sealed_body is not None and self.owner.secrets is not None:
            body = self.owner.secrets.open(record.sealed_body, self._context())
        return JSONReply(body, record.status, {"Idempotent-Replayed": "true"})

    def _context(self) -> str:
        assert self.slot is not None
        return f"idempotency|{self.scope.team_id}|{self.scope.livemode}|{self.slot.path}|{self.slot.key}"


def without(body: bytes, paths: Sequence[str]) -> bytes:
    """The same reply with null at every one of ``paths``."""
    value = json.loads(body)
    for path in paths:
        *parents, last = path.split(".")
        parent = value
        for name in parents:
            parent = parent.get(name) if isinstance(parent, dict) else None
        if isinstance(parent, dict) and last in parent:
            parent[last] = None
    return json.dumps(value)
