"""DELETE /invoices/{id} and GET /invoices/{id}/cancellation."""

from typing import Any

import pytest

from timbra.cfdi import xmldsig
from timbra.cfdi.cancellation import read_acuse
from timbra.cfdi.parse import parse
from timbra.pac.port import Busy, Rejected, Unknown
from world import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, Reply, World

NOON_S = NOON_MS // 1000
OTHER = "11111111-2222-4333-8444-555555555555"


def cancel(world: World, uuid: str, motive: str = "02", **body: Any) -> Reply:
    return world.api.delete(f"/invoices/{uuid}", {"motive": motive, **body})


def sold(world: World, case: str | None = None, **fields: Any) -> str:
    metadata = {"sandbox_cancel": case} if case else {}
    return str(world.issue(100, metadata=metadata, **fields)["uuid"])


def state(world: World, uuid: str) -> tuple[str, str | None]:
    shown = world.show(uuid)
    return shown["status"], shown["cancellation_status"]


class TestAtOnce:
    @pytest.mark.parametrize("motive", ["02", "03", "04", 2])
    def test_without_acceptance(self, world: World, motive: Any) -> None:
        uuid = sold(world, payment_method="PPD")

        reply = cancel(world, uuid, motive)

        assert (reply.status, reply.message) == (200, "Invoice canceled successfully")
        data = reply.data
        assert (data["status"], data["cancellation_status"], data["last_balance"]) == (
            "canceled",
            "without_acceptance",
            0,
        )
        receipt = data["cancellation_receipt"]
        assert receipt.startswith("https://cfdi.example.com/v2/files/")
        assert data["cancellation"] == {
            "cancellation_status": "without_acceptance", "motive": f"{int(motive):02}", "substitution_uuid": None,
            "code": "201", "message": "Solicitud de cancelación recibida", "cancellation_type": "normal",
            "requested_at": NOON_S, "requested_by": data["owner"], "last_checked": NOON_S, "cancelled_at": NOON_S,
            "cancellation_receipt": receipt, "expires_at": None,
        }  # fmt: skip

    def test_the_event_shows_the_canceled_invoice(self, world: World) -> None:
        uuid = sold(world)

        data = cancel(world, uuid).data

        assert world.events()[-1] == ("invoice.canceled", uuid)
        (body,) = world.event_bodies("invoice.canceled")
        assert {**body, "cancellation": None, "cancellation_receipt": None} == {
            **data, "cancellation": None, "cancellation_receipt": None,
        }  # fmt: skip
        assert world.actions()[-1] == "invoice.cancel"

    def test_the_acuse_is_served_and_its_signature_holds(self, world: World) -> None:
        uuid = sold(world)
        receipt = cancel(world, uuid).data["cancellation_receipt"]

        acuse = world.api.get(f"/invoices/{uuid}/acuse").raw.content

        signer = xmldsig.verified(parse(acuse, limit=1_000_000))
        assert signer.number == world.house.sandbox.pac_facts.number
        read = read_acuse(acuse)
        assert read.rfc == "EKU9003173C9"
        assert [(folio.uuid, folio.code) for folio in read.folios] == [(uuid.upper(), "201")]
        assert world.api.get(receipt, authorization="").raw.content == acuse

    def test_again_is_the_same_answer(self, world: World) -> None:
        uuid = sold(world)
        first = cancel(world, uuid)

        with world.unchanged():
            again = cancel(world, uuid.upper())

        assert (again.status, again.message, again.data["cancellation"]) == (
            200,
            first.message,
            first.data["cancellation"],
        )

    def test_the_internal_id_is_an_address_too(self, world: World) -> None:
        invoice = world.issue()

        assert cancel(world, invoice["internal_id"]).data["uuid"] == invoice["uuid"]

    def test_a_substitution_beside_another_motive_is_ignored(self, world: World) -> None:
        reply = cancel(world, sold(world), "02", substitution_uuid=OTHER)

        assert reply.data["cancellation"]["substitution_uuid"] is None

    def test_the_folio_stays_used(self, world: World) -> None:
        cancel(world, sold(world))

        assert (world.folios(), world.released()) == ((1, [1]), [])

    def test_lists_know_the_canceled(self, world: World) -> None:
        uuid, kept = sold(world), sold(world)
        cancel(world, uuid)

        found = {status: [row["uuid"] for row in world.api.get(f"/invoices/income?status={status}").data]
                 for status in ("canceled", "cancelado", "valid", "paid")}  # fmt: skip

        assert found == {"canceled": [uuid], "cancelado": [uuid], "valid": [kept], "paid": [kept]}


class TestReplacement:
    @pytest.mark.parametrize("name", ["substitution_uuid", "replacement", "substitution"])
    def test_by_a_document_of_ours(self, world: World, name: str) -> None:
        old = sold(world)
        new = world.issue(90, related_documents=[{"relationship": "04", "documents": [old]}])["uuid"]

        reply = cancel(world, old, "01", **{name: new.upper()})

        assert (reply.status, reply.data["status"]) == (200, "canceled")
        assert (reply.data["cancellation"]["motive"], reply.data["cancellation"]["substitution_uuid"]) == ("01", new)
        assert state(world, new) == ("valid", None)
        assert world.show(new)["invoices"] == [old]

    def test_by_a_document_of_somebody_else(self, world: World) -> None:
        reply = cancel(world, sold(world), "01", substitution_uuid=OTHER)

        assert (reply.status, reply.data["cancellation"]["substitution_uuid"]) == (200, OTHER)

    def test_not_by_itself(self, world: World) -> None:
        uuid = sold(world)
        with world.unchanged():
            reply = cancel(world, uuid, "01", substitution_uuid=uuid.upper())

        assert (reply.status, reply.error_code) == (400, "invalid_field_value")
        assert reply.paths == [("substitution_uuid", "conflict")]

    @pytest.mark.parametrize("kind", ["unrelated", "canceled"])
    def test_not_by_one_that_does_not_replace_it(self, world: World, kind: str) -> None:
        old = sold(world)
        related = {} if kind == "unrelated" else {"related_documents": [{"relationship": "04", "documents": [old]}]}
        new = world.issue(90, **related)["uuid"]
        if kind == "canceled":
            cancel(world, new)
        with world.unchanged():
            reply = cancel(world, old, "01", substitution_uuid=new)

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert reply.paths == [("substitution_uuid", "conflict")]


class TestAcceptance:
    def test_pending_tells_until_when_the_receiver_may_answer(self, world: World) -> None:
        uuid = sold(world, "pending")

        reply = cancel(world, uuid)

        assert (reply.status, reply.message) == (200, "Invoice cancellation requested")
        data = reply.data
        assert (data["status"], data["cancellation_status"], data["cancellation_receipt"]) == ("valid", "pending", None)
        assert data["cancellation"] == {
            "cancellation_status": "pending", "motive": "02", "substitution_uuid": None, "code": "201",
            "message": "Solicitud de cancelación recibida", "cancellation_type": "normal", "requested_at": NOON_S,
            "requested_by": data["owner"], "last_checked": NOON_S, "cancelled_at": None, "cancellation_receipt": None,
            "expires_at": NOON_S + 5 * 86_400,
        }  # fmt: skip
        assert world.events()[-1] == ("invoice.cancellation_updated", uuid)

    @pytest.mark.parametrize(
        ("case", "status", "word"),
        [("accepted", "canceled", "accepted"), ("expired", "canceled", "expired"), ("rejected", "valid", "rejected")],
    )
    def test_the_receiver_answers_after_a_minute(self, world: World, case: str, status: str, word: str) -> None:
        uuid = sold(world, case)
        assert cancel(world, uuid).data["cancellation_status"] == "pending"

        world.sweep(after_s=30)
        assert state(world, uuid) == ("valid", "pending")
        world.sweep(after_s=90)

        assert state(world, uuid) == (status, word)
        block = world.show(uuid)["cancellation"]
        assert block["cancelled_at"] == (NOON_S + 120 if status == "canceled" else None)
        assert block["last_checked"] == NOON_S + 120
        name = "invoice.canceled" if status == "canceled" else "invoice.cancellation_updated"
        assert world.events()[-1] == (name, uuid)
        assert world.api.get(f"/invoices/{uuid}/acuse").status == (200 if status == "canceled" else 404)

    def test_an_answer_changes_what_is_owed_only_when_it_is_final(self, world: World) -> None:
        sale = sold(world, payment_method="PPD")
        credit = world.credit([sale], 40, metadata={"sandbox_cancel": "accepted"}).data["uuid"]
        cancel(world, credit)
        assert world.show(sale)["credited"] != 0

        world.sweep(after_s=120)

        assert (world.show(sale)["credited"], world.show(sale)["last_balance"]) == (0, 116)

    def test_a_rejected_request_may_be_made_again_without_a_deadline(self, world: World) -> None:
        uuid = sold(world, "rejected")
        cancel(world, uuid)
        world.sweep(after_s=120)

        reply = cancel(world, uuid, "03")

        assert (reply.status, reply.data["cancellation_status"]) == (200, "pending")
        block = reply.data["cancellation"]
        assert (block["motive"], block["expires_at"], block["requested_at"]) == ("03", None, NOON_S + 120)
        world.sweep(after_s=120)
        assert state(world, uuid) == ("valid", "rejected")
        assert world.rows("invoice_cancellations") == 2

    def test_sat_is_asked_by_the_plan(self, world: World) -> None:
        uuid = sold(world, "pending")
        cancel(world, uuid)
        steps = []
        for _ in range(7):
            due = world.query("select cancel_check_ms from invoices")[0][0]
            steps.append((due - NOON_MS) // 1000)
            world.sweep(after_s=(due - world.clock.now_ms()) // 1000)

        assert steps == [30, 120, 600, 1800, 3600, 7200, 10800]
        assert state(world, uuid) == ("valid", "pending")

    @pytest.mark.parametrize(
        ("age_ms", "pause_ms"),
        [(71 * HOUR_MS, HOUR_MS), (73 * HOUR_MS, 6 * HOUR_MS), (14 * DAY_MS, 6 * HOUR_MS), (20 * DAY_MS, DAY_MS),
         (45 * DAY_MS, None)],
    )  # fmt: skip
    def test_later_sat_is_asked_less_often_and_at_last_no_more(
        self, world: World, age_ms: int, pause_ms: int | None
    ) -> None:
        uuid = sold(world, "pending")
        cancel(world, uuid)

        world.sweep(after_s=age_ms // 1000)

        expected = None if pause_ms is None else NOON_MS + age_ms + pause_ms
        assert world.query("select cancel_check_ms from invoices") == [(expected,)]
        assert state(world, uuid) == ("valid", "pending")


class TestState:
    def test_never_asked(self, world: World) -> None:
        uuid = sold(world)

        reply = world.api.get(f"/invoices/{uuid}/cancellation")

        assert (reply.status, reply.message) == (200, "Cancellation status retrieved successfully")
        assert {**reply.data, "advice": None} == {
            "advice": None,
            "cancellation": None,
            "cancellation_status": "none",
            "sat": {"status": "Vigente", "cancelable": "Cancelable sin aceptación", "cancellation_status": None},
            "checked_at": NOON_S,
        }
        shown = world.show(uuid)
        assert (shown["cancellation"], shown["cancellation_status"], shown["cancellation_receipt"]) == (
            None,
            None,
            None,
        )

    def test_with_acceptance(self, world: World) -> None:
        uuid = sold(world, "accepted")
        assert world.api.get(f"/invoices/{uuid}/cancellation").data["sat"]["cancelable"] == "Cancelable con aceptación"

    def test_sat_is_asked_again_only_after_a_minute(self, world: World) -> None:
        uuid = sold(world, "accepted")
        cancel(world, uuid)
        path = f"/invoices/{uuid}/cancellation"
        assert world.api.get(path).data["cancellation_status"] == "pending"

        world.clock.advance(59_000)
        assert world.api.get(path).data["checked_at"] == NOON_S
        world.clock.advance(1_000)
        reply = world.api.get(path)

        assert (reply.data["checked_at"], reply.data["cancellation_status"]) == (NOON_S + 60, "accepted")
        assert reply.data["sat"]["status"] == "Cancelado"
        assert state(world, uuid) == ("canceled", "accepted")
        assert world.events()[-1] == ("invoice.canceled", uuid)

    def test_a_cancellation_that_nobody_asked_for_here(self, world: World) -> None:
        uuid = sold(world)
        world.database.write_sync(
            lambda tx: tx.connection.exec_driver_sql(f"update sandbox_stamps set cancel_requested_ms = {NOON_MS}")
        )

        reply = world.api.get(f"/invoices/{uuid}/cancellation")

        assert reply.data["cancellation_status"] == "without_acceptance"
        assert (reply.data["cancellation"]["requested_by"], reply.data["cancellation"]["motive"]) == ("sat", None)
        assert state(world, uuid) == ("canceled", "without_acceptance")
        assert world.events()[-1] == ("invoice.canceled", uuid)

    def test_before_the_stamp_there_is_none(self, world: World) -> None:
        waiting = world.api.post("/invoices/income", world.sale(**{"async": True})).data["id"]

        reply = world.api.get(f"/invoices/{waiting}/cancellation")

        assert (reply.status, reply.error_code) == (404, "file_not_found")


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "code", "path"),
        [
            ({}, "missing_required_field", ("motive", "required")),
            (None, "missing_required_field", ("motive", "required")),
            ({"motive": None}, "missing_required_field", ("motive", "required")),
            ({"motive": "05"}, "invalid_field_value", ("motive", "format")),
            ({"motive": "1x"}, "invalid_field_value", ("motive", "format")),
            ({"motive": "01"}, "missing_required_field", ("substitution_uuid", "required")),
            ({"motive": "01", "replacement": "abc"}, "invalid_field_value", ("replacement", "format")),
        ],
    )
    def test_the_body(self, world: World, body: Any, code: str, path: tuple[str, str]) -> None:
        uuid = sold(world)

        with world.unchanged():
            reply = world.api.delete(f"/invoices/{uuid}", body)

        assert (reply.status, reply.error_code, reply.paths) == (400, code, [path])

    def test_not_cancelable(self, world: World) -> None:
        uuid = sold(world, "not_cancelable")

        with world.unchanged():
            reply = cancel(world, uuid)

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert "No cancelable" in reply.message

    @pytest.mark.parametrize("code", ["203", "204", "207", "208", "210", "211", "212", "301"])
    def test_refused_by_sat(self, world: World, code: str) -> None:
        uuid = sold(world, f"refused:{code}")

        reply = cancel(world, uuid)

        assert (reply.status, reply.error_code, reply.error["cfdi"]["code"]) == (422, "cfdi_service_error", code)
        assert reply.error["cfdi"]["message"]
        assert state(world, uuid) == ("valid", "failed")
        block = world.show(uuid)["cancellation"]
        assert (block["code"], block["message"]) == (code, reply.error["cfdi"]["message"])
        assert world.events()[-1] == ("invoice.cancellation_updated", uuid)
        assert world.query("select cancel_check_ms from invoices") == [(None,)]

    def test_a_refused_request_may_be_made_again(self, world: World) -> None:
        uuid = sold(world, "refused:204")
        cancel(world, uuid)

        assert cancel(world, uuid).status == 422
        assert world.rows("invoice_cancellations") == 2

    def test_another_motive_while_one_is_in_progress(self, world: World) -> None:
        uuid = sold(world, "pending")
        cancel(world, uuid)

        with world.unchanged():
            reply = cancel(world, uuid, "03")
            same = cancel(world, uuid, "02")

        assert (reply.status, reply.error_code) == (409, "resource_conflict")
        assert (same.status, same.message) == (200, "Invoice cancellation requested")

    def test_another_motive_after_the_end(self, world: World) -> None:
        uuid = sold(world)
        cancel(world, uuid)

        with world.unchanged():
            replies = [cancel(world, uuid, "03"), cancel(world, uuid, "01", substitution_uuid=OTHER)]

        assert [(reply.status, reply.error_code) for reply in replies] == [(409, "resource_conflict")] * 2

    def test_a_document_that_is_still_being_stamped(self, world: World) -> None:
        waiting = world.api.post("/invoices/income", world.sale(**{"async": True})).data["id"]

        with world.unchanged():
            reply = cancel(world, waiting)

        assert (reply.status, reply.error_code) == (409, "resource_conflict")

    def test_a_failed_document(self, world: World) -> None:
        failed = world.api.post("/invoices/income", world.sale(metadata={"sandbox": "reject:CFDI40147"}))

        with world.unchanged():
            reply = cancel(world, failed.error["invoice"]["id"])

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")

    @pytest.mark.parametrize("relationship", ["01", "02", "03", "07"])
    def test_live_documents_relate_to_it(self, world: World, relationship: str) -> None:
        sale = sold(world)
        credit = world.credit([sale], 10, relationship=relationship).data["uuid"]

        with world.unchanged():
            reply = cancel(world, sale)

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert reply.details == [f"related document: {credit}"]
        cancel(world, credit)
        assert cancel(world, sale).data["status"] == "canceled"

    def test_a_credit_that_waits_for_its_stamp_blocks_too(self, world: World) -> None:
        sale = sold(world)
        waiting = world.credit([sale], 10, **{"async": True}).data["id"]

        assert cancel(world, sale).details == [f"related document: {waiting}"]

    def test_unknown_foreign_and_live(self, world: World) -> None:
        uuid = sold(world)

        with world.unchanged():
            replies = [
                cancel(world, OTHER),
                world.rival.delete(f"/invoices/{uuid}", {"motive": "02"}),
                world.live.delete(f"/invoices/{uuid}", {"motive": "02"}),
            ]

        assert [(reply.status, reply.error_code) for reply in replies] == [(404, "resource_not_found")] * 3

    def test_a_collection_cannot_be_deleted(self, world: World) -> None:
        reply = world.api.delete("/invoices/income", {"motive": "02"})

        assert (reply.status, reply.error_code) == (405, "operation_not_allowed")


class TestTroubledPac:
    """The PAC's answer to the cancellation is replaced."""

    def answering(self, world: World, *outcomes: Any, pac: int = 0) -> None:
        port = world.parts.test.pacs[pac]
        real, left = port.cancel, list(outcomes)

        async def cancel_(request: Any, *, hints: Any) -> Any:
            return left.pop(0) if left else await real(request, hints=hints)

        port.cancel = cancel_  # type: ignore[method-assign]

    @pytest.mark.parametrize(
        "outcome", [Busy("down"), Unknown("lost"), Rejected("205", "UUID no existe")], ids=["down", "lost", "205"]
    )
    def test_a_request_that_was_not_taken_is_202_and_handed_over_later(self, world: World, outcome: Any) -> None:
        uuid = sold(world)
        self.answering(world, outcome)
        self.answering(world, outcome, pac=1)

        reply = cancel(world, uuid)

        assert (reply.status, reply.message) == (202, "Invoice cancellation requested")
        assert state(world, uuid) == ("valid", "requested")
        world.sweep(after_s=30)
        assert state(world, uuid) == ("canceled", "without_acceptance")
        acuse = world.api.get(f"/invoices/{uuid}/acuse")
        assert (acuse.status, read_acuse(acuse.raw.content).folios[0].code) == (200, "201")

    def test_a_request_that_sat_refused_uses_no_deadline_up(self, world: World) -> None:
        uuid = sold(world, "pending")
        self.answering(world, Rejected("204", "UUID no aplicable para cancelación"))

        assert cancel(world, uuid).status == 422
        world.clock.advance(60_000)

        assert cancel(world, uuid).data["cancellation"]["expires_at"] == NOON_S + 60 + 5 * 86_400

    def test_205_is_final_72_hours_after_the_stamp(self, world: World) -> None:
        uuid = sold(world)
        world.clock.advance(72 * HOUR_MS)
        self.answering(world, Rejected("205", "UUID no existe"))

        reply = cancel(world, uuid)

        assert (reply.status, reply.error["cfdi"]["code"]) == (422, "205")
        assert state(world, uuid) == ("valid", "failed")

    def test_the_worker_finishes_what_a_dead_process_began(self, world: World) -> None:
        uuid = sold(world)
        world.die_at("cancel.before_pac", lambda: cancel(world, uuid))
        world.restart()
        assert state(world, uuid) == ("valid", "requested")

        world.sweep(after_s=60)

        assert state(world, uuid) == ("canceled", "without_acceptance")

    def test_an_answer_lost_with_the_process_is_asked_for_again(self, world: World) -> None:
        uuid = sold(world)
        world.die_at("cancel.after_pac", lambda: cancel(world, uuid))
        world.restart()

        world.sweep(after_s=60)

        assert state(world, uuid) == ("canceled", "without_acceptance")
        acuse = world.api.get(f"/invoices/{uuid}/acuse").raw.content
        assert read_acuse(acuse).folios[0].code == "202"
        assert world.show(uuid)["cancellation"]["message"] == "Solicitud de cancelación recibida previamente"


class TestAtTheSameTime:
    def test_equal_requests_are_one(self, world: World) -> None:
        uuid = sold(world)

        replies = world.together([world.api.later("DELETE", f"/invoices/{uuid}", {"motive": "02"}) for _ in range(8)])

        assert {reply.status for reply in replies} <= {200, 202}
        assert world.rows("invoice_cancellations") == 1
        assert world.events().count(("invoice.canceled", uuid)) == 1
        assert state(world, uuid) == ("canceled", "without_acceptance")

    def test_other_motives_lose(self, world: World) -> None:
        uuid = sold(world)

        bodies = [{"motive": motive} for motive in ("02", "03", "04")]
        replies = world.together([world.api.later("DELETE", f"/invoices/{uuid}", body) for body in bodies])

        assert sorted(reply.status for reply in replies)[1:] == [409, 409]
        assert world.rows("invoice_cancellations") == 1

    def test_a_credit_and_a_cancellation_cannot_both_win(self, world: World) -> None:
        uuid = sold(world)
        body = world.sale(10, related_documents=[{"relationship": "01", "documents": [uuid]}])

        credit, canceled = world.together(
            [
                world.api.later("POST", "/invoices/egress", body),
                world.api.later("DELETE", f"/invoices/{uuid}", {"motive": "02"}),
            ]
        )

        assert (credit.status, canceled.status) in [(201, 400), (400, 200)]


def test_the_polls_of_a_minute_are_not_due_before(world: World) -> None:
    uuid = sold(world, "accepted")
    cancel(world, uuid)

    world.sweep(after_s=29)
    assert world.show(uuid)["cancellation"]["last_checked"] == NOON_S
    world.sweep(after_s=1)

    assert world.show(uuid)["cancellation"]["last_checked"] == NOON_S + 30
    assert world.clock.now_ms() < NOON_MS + MINUTE_MS
