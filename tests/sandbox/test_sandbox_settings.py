"""The sandbox set for a team: PACs that fail, receivers who answer, and documents as the simulated SAT has them."""

from typing import Any

import pytest

from world import NOON_MS, Reply, World

NOON_S = NOON_MS // 1000
OTHER = "11111111-2222-4333-8444-555555555555"
BOTH = ("sandbox", "sandbox_backup")


def put(world: World, **body: Any) -> Reply:
    return world.api.call("PUT", "/sandbox", body)


def fault(world: World, behaviour: str, *pacs: str, **more: Any) -> None:
    reply = put(world, pacs={name: {"behaviour": behaviour, **more} for name in pacs or ("sandbox",)})
    assert reply.status == 200, reply.json


def sell(world: World, **fields: Any) -> Reply:
    return world.api.post("/invoices/income", world.sale(100, **fields))


class TestPacs:
    def test_everything_is_normal_at_first(self, world: World) -> None:
        reply = world.api.get("/sandbox")

        normal = {"behaviour": "normal", "code": None, "seconds": None, "calls": None}
        assert (reply.status, reply.message) == (200, "Sandbox retrieved successfully")
        assert reply.data["pacs"] == [{"name": name, **normal} for name in BOTH]
        assert reply.data["receiver"] == {"behaviour": "not_asked"}

    def test_one_down_is_a_failover(self, world: World) -> None:
        fault(world, "down")

        assert sell(world).data["stamp"]["provider"] == "sandbox_backup"

    def test_both_down_is_503_and_the_worker_stamps_later(self, world: World) -> None:
        fault(world, "down", *BOTH)
        reply = sell(world)
        assert reply.status == 503
        world.sweep(after_s=60)
        waiting = reply.error["invoice"]["id"]
        assert world.api.get(f"/invoices/income/{waiting}").data["status"] == "pending"

        put(world, pacs={"sandbox": None})
        world.sweep(after_s=600)

        assert world.api.get(f"/invoices/income/{waiting}").data["status"] == "valid"

    @pytest.mark.parametrize("behaviour", ["drops_answer", "loses_request", "duplicates"])
    def test_what_is_recovered_is_one_document(self, world: World, behaviour: str) -> None:
        fault(world, behaviour)

        reply = sell(world)

        assert (reply.status, reply.data["stamp"]["provider"]) == (201, "sandbox")
        assert world.rows("sandbox_stamps") == 1

    def test_slow_is_202_and_valid_after_its_seconds(self, world: World) -> None:
        fault(world, "slow", seconds=300)
        reply = sell(world)
        assert (reply.status, reply.data["status"]) == (202, "pending")

        world.sweep(after_s=290)
        assert world.api.get(f"/invoices/income/{reply.data['id']}").data["status"] == "pending"
        world.sweep(after_s=60)

        assert world.api.get(f"/invoices/income/{reply.data['id']}").data["status"] == "valid"

    @pytest.mark.parametrize(
        ("body", "code"),
        [({"behaviour": "rejects", "code": "CFDI40147"}, "CFDI40147"), ({"behaviour": "not_in_lco"}, "402")],
    )
    def test_refusals(self, world: World, body: dict[str, str], code: str) -> None:
        put(world, pacs={"sandbox": body})

        reply = sell(world)

        assert (reply.status, reply.error["cfdi"]["code"]) == (422, code)
        assert world.released() == [1]

    def test_calls_are_counted(self, world: World) -> None:
        fault(world, "rejects", code="CFDI40161", calls=2)

        assert [sell(world).status for _ in range(3)] == [422, 422, 201]
        assert world.api.get("/sandbox").data["pacs"][0]["behaviour"] == "normal"

    def test_the_document_is_heard_first(self, world: World) -> None:
        fault(world, "rejects", *BOTH, code="CFDI40161")

        assert sell(world, metadata={"sandbox": "pac_timeout"}).status == 201
        assert sell(world, metadata={"sandbox": "reject:CFDI40147"}).error["cfdi"]["code"] == "CFDI40147"

    def test_other_teams_see_nothing_of_it(self, world: World) -> None:
        fault(world, "down", *BOTH)

        assert world.rival.get("/sandbox").data["pacs"][0]["behaviour"] == "normal"

    def test_it_outlives_the_process_and_is_set_back(self, world: World) -> None:
        fault(world, "down", *BOTH)
        world.restart()
        assert sell(world).status == 503

        reply = world.api.delete("/sandbox", {})

        assert (reply.status, reply.message) == (200, "Sandbox behaves normally again")
        assert sell(world, series="B").status == 201

    def test_a_cancellation_meets_the_same_pac(self, world: World) -> None:
        uuid = sell(world).data["uuid"]
        fault(world, "down", *BOTH)
        assert world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).status == 202

        fault(world, "drops_answer")
        world.sweep(after_s=30)
        assert world.show(uuid)["cancellation_status"] == "requested"
        put(world, pacs={"sandbox": None})
        world.sweep(after_s=120)

        shown = world.show(uuid)
        assert (shown["status"], shown["cancellation"]["code"]) == ("canceled", "202")
        assert [call for _, call, _ in world.attempts()] == ["stamp", "cancel", "cancel", "cancel"]


class TestReceivers:
    @pytest.mark.parametrize(
        ("behaviour", "end"), [("accepts", ("canceled", "accepted")), ("rejects", ("valid", "rejected"))]
    )
    def test_they_answer_after_a_minute(self, world: World, behaviour: str, end: tuple[str, str]) -> None:
        put(world, receiver={"behaviour": behaviour})
        uuid = sell(world).data["uuid"]
        advice = world.api.get(f"/invoices/{uuid}/cancellation").data
        assert advice["sat"]["cancelable"] == "Cancelable con aceptación"
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        world.sweep(after_s=120)

        shown = world.show(uuid)
        assert (shown["status"], shown["cancellation_status"]) == end

    @pytest.mark.parametrize(("word", "end"), [("accept", ("canceled", "accepted")), ("reject", ("valid", "rejected"))])
    def test_they_answer_when_told_to(self, world: World, word: str, end: tuple[str, str]) -> None:
        put(world, receiver={"behaviour": "silent"})
        uuid = sell(world).data["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        reply = world.api.post(f"/sandbox/documents/{uuid.upper()}/answer", {"answer": word})

        assert (reply.status, reply.message) == (200, "Receiver answered successfully")
        shown = world.show(uuid)
        assert (shown["status"], shown["cancellation_status"]) == end

    def test_a_request_after_a_rejection_is_never_answered_by_silence(self, world: World) -> None:
        put(world, receiver={"behaviour": "silent"})
        uuid = sell(world).data["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
        world.api.post(f"/sandbox/documents/{uuid}/answer", {"answer": "reject"})
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        world.sweep(after_s=30 * 86_400)

        shown = world.show(uuid)
        assert (shown["cancellation_status"], shown["cancellation"]["expires_at"]) == ("pending", None)

    def test_nobody_answers_what_nobody_asked(self, world: World) -> None:
        uuid = sell(world).data["uuid"]

        with world.unchanged():
            reply = world.api.post(f"/sandbox/documents/{uuid}/answer", {"answer": "accept"})

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")

    def test_nobody_answers_for_other_teams(self, world: World) -> None:
        put(world, receiver={"behaviour": "silent"})
        uuid = sell(world).data["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        with world.unchanged():
            replies = [
                api.post(f"/sandbox/documents/{name}/answer", {"answer": "accept"})
                for api, name in ((world.rival, uuid), (world.live, uuid), (world.api, OTHER))
            ]

        assert [reply.status for reply in replies] == [404, 404, 404]


class TestDocuments:
    def test_the_simulated_sat_lists_them(self, world: World) -> None:
        first, second = sell(world).data, sell(world).data
        world.api.delete(f"/invoices/{first['uuid']}", {"motive": "02"})

        reply = world.api.get("/sandbox/documents")

        assert (reply.status, reply.json["total_results"]) == (200, 2)
        by_uuid = {row["uuid"]: row for row in reply.data}
        assert by_uuid[first["uuid"]] == {
            "uuid": first["uuid"], "internal_id": first["internal_id"], "pac": "sandbox", "stamped_at": NOON_S,
            "issuer": "EKU9003173C9", "receiver": "URE180429TM6", "total": "116.00",
            "sat": {
                "status": "Cancelado", "cancelable": "Cancelable sin aceptación",
                "cancellation_status": "Cancelado sin aceptación",
            },
            "requested_at": NOON_S, "answer_at": None,
        }  # fmt: skip
        asked = world.api.get("/sandbox/documents?cancellation=asked").data
        never = world.api.get("/sandbox/documents?cancellation=never").data
        assert ([row["uuid"] for row in asked], [row["uuid"] for row in never]) == ([first["uuid"]], [second["uuid"]])

    def test_page_by_page(self, world: World) -> None:
        uuids = {sell(world).data["uuid"] for _ in range(3)}

        first = world.api.get("/sandbox/documents?limit=2").json
        rest = world.api.get(f"/sandbox/documents?limit=2&next={first['next']}").json

        assert {row["uuid"] for row in first["data"] + rest["data"]} == uuids
        assert (first["has_more"], rest["has_more"]) == (True, False)

    def test_other_teams_documents_are_not_there(self, world: World) -> None:
        sell(world)

        assert world.rival.get("/sandbox/documents").data == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "path"),
        [
            ({"pacs": {"finkok": {"behaviour": "down"}}}, ("pacs.finkok", "not_found")),
            ({"pacs": {"sandbox": {"behaviour": "broken"}}}, ("pacs.sandbox.behaviour", "enum")),
            ({"pacs": {"sandbox": {"behaviour": "rejects"}}}, ("pacs.sandbox.code", "required")),
            ({"pacs": {"sandbox": {"behaviour": "rejects", "code": "<b>"}}}, ("pacs.sandbox.code", "format")),
            ({"pacs": {"sandbox": {"behaviour": "slow", "seconds": 0}}}, ("pacs.sandbox.seconds", "min")),
            ({"pacs": {"sandbox": {"behaviour": "down", "calls": 1_001}}}, ("pacs.sandbox.calls", "max")),
            ({"receiver": {"behaviour": "sulks"}}, ("receiver.behaviour", "enum")),
        ],
    )
    def test_bodies(self, world: World, body: Any, path: tuple[str, str]) -> None:
        with world.unchanged():
            reply = put(world, **body)

        assert (reply.status, reply.paths) == (400, [path])
        assert world.rows("sandbox_controls") == 0

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "", None),
            ("PUT", "", {"receiver": {"behaviour": "silent"}}),
            ("DELETE", "", {}),
            ("GET", "/documents", None),
        ],
    )
    def test_live_keys(self, world: World, method: str, path: str, body: Any) -> None:
        reply = world.live.call(method, f"/sandbox{path}", body)

        assert (reply.status, reply.error_code) == (404, "resource_not_found")
        assert world.rows("sandbox_controls") == 0
