"""Same key, same effect, same answer."""

import asyncio

import pytest
from sqlalchemy import select

from timbra.http.errors import CfdiRefused, Unavailable
from timbra.http.tables import idempotency_records

pytestmark = pytest.mark.anyio
NOTE = {"name": "a", "amount": 1.5}


def key(text: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": text}


def records(world) -> list:
    return world.db.read_sync(lambda tx: tx.execute(select(idempotency_records)).all())


async def post(world, body=NOTE, path="/v2/notes", **headers):
    return await world.api.post(path, json=body, headers=key() | headers)


def clash(reply) -> str:
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "resource_conflict")
    return reply.json()["error"]["details"][0]


async def test_same_request_gets_the_stored_reply(world) -> None:
    first, second = await post(world), await post(world)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_key_order_and_number_spelling_do_not_matter(world) -> None:
    await post(world)
    again = await world.api.post("/v2/notes", content=b'{"amount": 1.50, "name": "a"}', headers=key())

    assert again.headers["idempotent-replayed"] == "true"


async def test_other_body_or_query_is_a_conflict(world) -> None:
    await post(world)

    assert clash(await post(world, {"name": "b"})) == "idempotency_key: was used with a different request"
    assert clash(await post(world, path="/v2/notes?x=1")).endswith("different request")
    assert (await post(world, path="/v2/notes?team=team_OWN")).headers["idempotent-replayed"] == "true"


async def test_scope_is_team_mode_key_and_path(world) -> None:
    replies = [
        await post(world),
        await post(world, path="/v2/notes?team=team_OTHER"),
        await post(world, Authorization="live"),
        await world.api.post("/v2/notes", json=NOTE, headers=key("k-2")),
        await post(world, path="/v2/documents"),
    ]

    assert [reply.status_code for reply in replies] == [201] * 5
    assert not any("idempotent-replayed" in reply.headers for reply in replies)


async def test_without_a_key_nothing_is_stored(world) -> None:
    await world.api.post("/v2/notes", json=NOTE)
    await world.api.post("/v2/notes", json=NOTE)

    assert records(world) == []


async def test_key_is_ignored_on_other_methods(world) -> None:
    reply = await world.api.put("/v2/notes/a", json={}, headers=key("x" * 300))

    assert reply.status_code == 200


@pytest.mark.parametrize("given", ["", "x" * 256, "tab\there", "ñ"])
async def test_malformed_header_is_refused(world, given: str) -> None:
    reply = await world.api.post("/v2/notes", json=NOTE, headers={"Idempotency-Key": given.encode()})

    assert reply.json()["error"]["code"] == "invalid_field_value"
    assert reply.json()["error"]["fields"][0]["path"] == "Idempotency-Key"


async def test_body_key_works_without_the_header_and_is_outside_the_fingerprint(world) -> None:
    body = NOTE | {"idempotency_key": "order-1"}
    first = await world.api.post("/v2/notes", json=body)
    again = await world.api.post("/v2/notes", json=body)
    by_header = await world.api.post("/v2/notes", json=NOTE, headers=key("order-1"))

    assert first.content == again.content == by_header.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_header_is_the_key_when_both_are_given(world) -> None:
    await post(world, NOTE | {"idempotency_key": "order-1"})

    assert [record.key for record in records(world)] == ["k-1"]


async def test_body_key_is_no_key_where_the_route_does_not_say_so(world) -> None:
    await world.api.post("/v2/documents", json=NOTE | {"idempotency_key": "order-1"})

    assert records(world) == []


async def test_refused_request_frees_its_key(world) -> None:
    assert (await post(world, {"name": "forbidden"})).status_code == 400
    assert (await post(world, {})).status_code == 400
    assert records(world) == []
    assert (await post(world)).status_code == 201


async def test_parallel_requests_make_one_object(world) -> None:
    replies = await asyncio.gather(*(post(world) for _ in range(25)))

    statuses = {reply.status_code for reply in replies}
    assert statuses <= {201, 409}
    assert len({reply.content for reply in replies if reply.status_code == 201}) == 1


async def test_running_request_is_409_with_retry_after(world) -> None:
    await post(world, path="/v2/documents")
    world.db.write_sync(lambda tx: tx.execute(idempotency_records.update().values(status=None, body=None)))

    reply = await post(world, path="/v2/documents")

    assert clash(reply) == "idempotency_key: is in use by a request that is still running"
    assert reply.headers["retry-after"] == "2"


async def test_dead_run_is_taken_over_after_60_s_and_resumes_its_resource(world) -> None:
    await post(world, path="/v2/documents")
    world.db.write_sync(lambda tx: tx.execute(idempotency_records.update().values(status=None, body=None)))
    world.clock.advance(59_999)
    assert (await post(world, path="/v2/documents")).status_code == 409
    world.clock.advance(1)

    reply = await post(world, path="/v2/documents")

    assert reply.json()["data"] == {"id": "doc_1", "status": "resumed"}
    assert world.made == ["doc_1"]


async def test_resource_left_pending_keeps_the_key(world) -> None:
    world.fail_with = Unavailable()
    assert (await post(world, path="/v2/documents")).status_code == 503
    world.fail_with = None

    reply = await post(world, path="/v2/documents")

    assert reply.json()["data"] == {"id": "doc_1", "status": "resumed"}
    assert world.made == ["doc_1"]
    assert clash(await post(world, {"name": "b"}, path="/v2/documents")).endswith("different request")


async def test_crash_of_the_handler_keeps_a_bound_key(world) -> None:
    world.fail_with = RuntimeError("bug")
    assert (await post(world, path="/v2/documents")).status_code == 500
    world.fail_with = None

    assert (await post(world, path="/v2/documents")).json()["data"]["status"] == "resumed"


async def test_released_key_makes_a_new_document(world) -> None:
    world.fail_with = CfdiRefused()
    assert (await post(world, path="/v2/documents")).status_code == 422
    world.fail_with = None

    assert (await post(world, path="/v2/documents")).json()["data"] == {"id": "doc_2"}


async def test_two_step_document_is_replayed(world) -> None:
    first, second = await post(world, path="/v2/documents"), await post(world, path="/v2/documents")

    assert first.content == second.content
    assert world.made == ["doc_1"]


async def test_secrets_are_replayed_for_24_h_then_as_null(world) -> None:
    first = await post(world)
    stored = records(world)[0]
    assert "token-1" not in stored.body
    assert (await post(world)).content == first.content
    world.clock.advance(24 * 3_600_000)

    late = await post(world)

    assert late.json()["data"]["secret"] is None
    assert late.json()["data"]["name"] == "a"


async def test_purge_forgets_records_after_30_days_and_old_secrets_at_once(world) -> None:
    from timbra.http.idempotency import Idempotency

    await post(world)
    keeper = Idempotency(world.db, world.clock)
    world.clock.advance(24 * 3_600_000 + 1)
    assert world.db.write_sync(keeper.purge) == 0
    assert records(world)[0].sealed_body is None
    world.clock.advance(29 * 24 * 3_600_000)

    assert world.db.write_sync(keeper.purge) == 1
    assert records(world) == []


async def test_a_claim_that_lost_its_lease_cannot_finish_anothers(world) -> None:
    from timbra.http.idempotency import Idempotency
    from timbra.platform.scope import TeamScope

    keeper, scope = Idempotency(world.db, world.clock), TeamScope("t", False)
    slow = await keeper.begin(scope, "/p", "k", "print")
    world.db.write_sync(slow.take)
    world.clock.advance(60_000)
    quick = await keeper.begin(scope, "/p", "k", "print")
    world.db.write_sync(quick.take)

    world.db.write_sync(lambda tx: slow.finish(tx, 201, b'{"by":"slow"}'))
    world.db.write_sync(lambda tx: quick.finish(tx, 201, b'{"by":"quick"}'))

    assert [record.body for record in records(world)] == ['{"by":"quick"}']


async def test_a_key_bound_since_the_first_look_is_not_made_twice(world) -> None:
    from timbra.http.errors import Conflict
    from timbra.http.idempotency import Idempotency
    from timbra.platform.scope import TeamScope

    keeper, scope = Idempotency(world.db, world.clock), TeamScope("t", False)
    late = await keeper.begin(scope, "/p", "k", "print")
    early = await keeper.begin(scope, "/p", "k", "print")
    world.db.write_sync(lambda tx: (early.take(tx), early.bind(tx, "doc_1")))
    await early.let_go()

    with pytest.raises(Conflict):
        world.db.write_sync(late.take)


@pytest.mark.parametrize("winner", ["finds nothing", "is quicker"])
async def test_a_run_that_loses_the_race_for_a_key_is_in_progress(world, monkeypatch, winner: str) -> None:
    from timbra.http import store
    from timbra.http.errors import Conflict
    from timbra.http.idempotency import Idempotency
    from timbra.platform.scope import TeamScope

    keeper, scope = Idempotency(world.db, world.clock), TeamScope("t", False)
    dead = await keeper.begin(scope, "/p", "k", "print")
    world.db.write_sync(dead.take)
    world.clock.advance(60_000)
    late = await keeper.begin(scope, "/p", "k", "print")
    if winner == "finds nothing":
        monkeypatch.setattr(store, "find", lambda *_: None)
    else:
        monkeypatch.setattr(store, "take_over", lambda *_, **__: False)

    with pytest.raises(Conflict):
        world.db.write_sync(late.take)


async def test_every_step_without_a_key_does_nothing(world) -> None:
    from timbra.http.idempotency import Idempotency
    from timbra.platform.scope import TeamScope

    claim = await Idempotency(world.db, world.clock).begin(TeamScope("t", False), "/p", None, "")
    for step in (claim.take, claim.release, lambda tx: claim.bind(tx, "x"), lambda tx: claim.finish(tx, 201, b"{}")):
        world.db.write_sync(step)
    await claim.let_go()

    assert records(world) == []
    assert claim.resource_id is None


async def test_without_a_secret_box_secrets_are_never_stored(world) -> None:
    from timbra.http.idempotency import Idempotency
    from timbra.platform.scope import TeamScope

    claim = await Idempotency(world.db, world.clock).begin(TeamScope("t", False), "/p", "k", "print")
    body = b'{"data":{"token":"s3cret"},"top":"s3cret"}'
    paths = ("data.token", "top", "absent.token", "top.x")
    world.db.write_sync(lambda tx: (claim.take(tx), claim.finish(tx, 201, body, secret_paths=paths)))

    assert [record.body for record in records(world)] == ['{"data":{"token":null},"top":null}']
    assert records(world)[0].sealed_body is None
