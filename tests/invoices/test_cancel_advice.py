"""GET /invoices/{id}/cancellation before anything is asked: who must accept, which motive, until when, what blocks."""

from typing import Any

import pytest

from timbra.cfdi.sat_status import FOUND, IN_FORCE, SatStatus, Unanswered
from timbra.pac.port import Rejected
from world import DAY_MS, NOON_MS, PUBLIC, World

NOON_S = NOON_MS // 1000


def advice(world: World, uuid: str) -> dict[str, Any]:
    reply = world.api.get(f"/invoices/{uuid}/cancellation")
    assert reply.status == 200, reply.json
    return dict(reply.data["advice"])


def silent_sat(world: World) -> None:
    async def status(**_: Any) -> Unanswered:
        return Unanswered("no answer")

    world.parts.test.status.status = status  # type: ignore[union-attr, method-assign]


def test_an_invoice_that_the_receiver_must_accept(world: World) -> None:
    uuid = world.issue(5_000, metadata={"sandbox_cancel": "accepted"})["uuid"]

    told = advice(world, uuid)

    assert told == {
        "can_cancel": True,
        "blockers": [],
        "acceptance": {
            "needed": True, "said_by": "sat", "rule": "RMF 2.7.1.34", "reason": "SAT says: Cancelable con aceptación",
        },
        "motive": {
            "use": "02", "substitution_uuid": None, "rule": "Anexo 20, c_MotivoCancelacion",
            "reason": "no valid invoice of yours replaces it: 02 for errors, 03 if the sale fell through",
        },
        "deadline": {
            "last_day": "2027-03-31", "is_past": False, "rule": "CFF 29-A, RMF 2.7.1.47",
            "reason": "the month of the annual return of the year of issue; later ones are fined by CFF 81 XLVI",
        },
        "answer_by": {
            "at": NOON_S + 5 * 86_400, "rule": "RMF 2.7.1.34", "reason": "three working days; silence is consent",
        },
    }  # fmt: skip
    asked = world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).data["cancellation"]
    assert asked["expires_at"] == told["answer_by"]["at"]


@pytest.mark.parametrize(
    ("price", "days", "fields", "rule"),
    [
        (100, 10, {}, "RMF 2.7.1.35 fr. I"),
        (5_000, 0, {}, "RMF 2.7.1.35 fr. IX"),
        (5_000, 10, {"client": PUBLIC}, "RMF 2.7.1.35 fr. VII"),
        (5_000, 10, {}, None),
    ],
)
def test_while_sat_is_silent_the_rules_say_who_must_accept(
    world: World, price: int, days: int, fields: dict[str, Any], rule: str | None
) -> None:
    uuid = world.issue(price, **fields)["uuid"]
    silent_sat(world)
    world.clock.advance(days * DAY_MS)

    acceptance = advice(world, uuid)["acceptance"]

    assert (acceptance["needed"], acceptance["said_by"]) == (rule is None, "rules")
    assert acceptance["rule"] == (rule or "RMF 2.7.1.34")


def test_a_replacement_is_found(world: World) -> None:
    old = world.issue(100)["uuid"]
    new = world.issue(90, related_documents=[{"relationship": "04", "documents": [old]}])["uuid"]

    told = advice(world, old)

    assert (told["can_cancel"], told["motive"]["use"], told["motive"]["substitution_uuid"]) == (True, "01", new)
    body = {"motive": told["motive"]["use"], "substitution_uuid": told["motive"]["substitution_uuid"]}
    assert world.api.delete(f"/invoices/{old}", body).status == 200


def test_a_global_invoice_is_canceled_for_a_nominative_one(world: World) -> None:
    uuid = world.issue(100, client=PUBLIC, **{"global": {"periodicity": "month", "months": "10", "year": 2026}})["uuid"]

    assert advice(world, uuid)["motive"]["use"] == "04"


def test_what_blocks_is_named_and_really_blocks(world: World) -> None:
    uuid = world.issue(100)["uuid"]
    credit = world.credit([uuid], 10).data["uuid"]

    told = advice(world, uuid)

    assert told["can_cancel"] is False
    (blocker,) = told["blockers"]
    assert (blocker["code"], blocker["documents"]) == ("related_documents", [credit])
    assert blocker["rule"].startswith("RMF 2.7.1.34")
    assert world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).status == 400


def test_what_sat_does_not_cancel(world: World) -> None:
    uuid = world.issue(100, metadata={"sandbox_cancel": "not_cancelable"})["uuid"]

    told = advice(world, uuid)

    assert [blocker["code"] for blocker in told["blockers"]] == ["not_cancelable"]


def test_after_a_rejection_there_is_no_term(world: World) -> None:
    uuid = world.issue(100, metadata={"sandbox_cancel": "rejected"})["uuid"]
    world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
    assert [one["code"] for one in advice(world, uuid)["blockers"]] == ["in_progress"]
    world.sweep(after_s=120)

    told = advice(world, uuid)

    assert (told["can_cancel"], told["answer_by"]["at"]) == (True, None)


def test_when_it_is_done_and_when_it_is_too_late(world: World) -> None:
    done, late = world.issue(100)["uuid"], world.issue(200)["uuid"]
    world.api.delete(f"/invoices/{done}", {"motive": "02"})
    world.clock.advance(180 * DAY_MS)

    assert [one["code"] for one in advice(world, done)["blockers"]] == ["already_canceled"]
    told = advice(world, late)
    assert (told["can_cancel"], told["deadline"]["is_past"], told["deadline"]["last_day"]) == (True, True, "2027-03-31")


def test_advice_changes_nothing(world: World) -> None:
    uuid = world.issue(100)["uuid"]
    advice(world, uuid)

    with world.unchanged():
        advice(world, uuid)


class TestTroubledSat:
    """What the lives in test_cancel_lives.py do not say exactly."""

    def test_a_term_that_was_not_known_at_first_is_told_later(self, world: World) -> None:
        uuid = world.issue(100, metadata={"sandbox_cancel": "pending"})["uuid"]
        service = world.parts.test.status
        real = service.status  # type: ignore[union-attr]
        silent_sat(world)
        asked = world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
        assert (asked.status, asked.data["cancellation"]["expires_at"]) == (202, None)

        service.status = real  # type: ignore[union-attr, method-assign]
        world.sweep(after_s=30)

        block = world.show(uuid)["cancellation"]
        assert (block["cancellation_status"], block["expires_at"]) == ("pending", NOON_S + 5 * 86_400)

    def test_each_step_is_told(self, world: World) -> None:
        uuid = world.issue(100, metadata={"sandbox_cancel": "accepted"})["uuid"]

        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
        world.sweep(after_s=120)

        steps = [body["cancellation"] for body in world.event_bodies("invoice.cancellation_updated")]
        assert [(step["cancellation_status"], step["code"]) for step in steps] == [
            ("requested", None), ("requested", "201"), ("pending", "201"),
        ]  # fmt: skip
        assert world.events()[-1] == ("invoice.canceled", uuid)

    def test_sat_is_asked_right_after_the_term(self, world: World) -> None:
        world.api.call("PUT", "/sandbox", {"receiver": {"behaviour": "silent"}})
        uuid = world.issue(100)["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        world.sweep(after_s=4 * 86_400)
        due = world.query("select cancel_check_ms from invoices")[0][0]
        assert due == NOON_MS + 4 * DAY_MS + 6 * 3_600_000
        world.sweep(after_s=86_400 - 3_600)

        assert world.query("select cancel_check_ms from invoices") == [(NOON_MS + 5 * DAY_MS + 60_000,)]
        world.sweep(after_s=3_660)
        assert world.show(uuid)["cancellation_status"] == "expired"

    def test_a_refusal_of_a_request_that_had_arrived_means_nothing(self, world: World) -> None:
        uuid = world.issue(100, metadata={"sandbox_cancel": "pending"})["uuid"]
        world.api.call("PUT", "/sandbox", {"pacs": {"sandbox": {"behaviour": "drops_answer", "calls": 1}}})
        assert world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).status == 202
        pac = world.parts.test.pacs[0]

        async def refuses(_request: Any, *, hints: Any) -> Rejected:
            assert hints.cancel == "pending"
            return Rejected("204", "UUID no aplicable para cancelación")

        pac.cancel = refuses  # type: ignore[method-assign]
        world.sweep(after_s=30)

        shown = world.show(uuid)
        assert (shown["status"], shown["cancellation_status"]) == ("valid", "pending")

    def test_a_request_waits_a_little_for_sat_to_show_it(self, world: World) -> None:
        uuid = world.issue(100)["uuid"]
        service = world.parts.test.status
        real, left = service.status, [1, 1, 0]  # type: ignore[union-attr]

        async def late(**named: Any) -> Any:
            if left and left.pop(0):
                return SatStatus(FOUND, IN_FORCE, "Cancelable sin aceptación", None)
            return await real(**named)

        service.status = late  # type: ignore[union-attr, method-assign]

        reply = world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        # Before the request, right after it, and once more.
        assert (reply.status, reply.data["status"], left) == (200, "canceled", [])


def test_without_a_certificate_nothing_can_be_asked(world: World) -> None:
    uuid = world.issue(100)["uuid"]
    world.database.write_sync(lambda tx: tx.connection.exec_driver_sql("update csds set replaced_ms = 1"))
    world.clock.advance(6_000)

    assert [one["code"] for one in advice(world, uuid)["blockers"]] == ["no_csd"]
    with world.unchanged():
        reply = world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

    assert (reply.status, reply.error_code) == (400, "business_rule_violation")
