"""What the PAC may do, played by the sandbox (contract invoices.md section 5)."""

from typing import Any

import pytest

from world import HOUR_MS, NOON_MS, Reply, World


def post(world: World, case: str, **fields: Any) -> Reply:
    return world.api.post("/invoices/income", world.sale(metadata={"sandbox": case}, **fields))


class TestOutage:
    def test_no_pac_is_503_and_the_invoice_waits(self, world: World) -> None:
        reply = post(world, "pac_down")

        assert (reply.status, reply.error_code, reply.header("retry-after")) == (503, "service_unavailable", "60")
        waiting = reply.error["invoice"]
        assert waiting["status"] == "pending"
        shown = world.api.get(f"/invoices/income/{waiting['id']}").data
        assert (shown["status"], shown["id"], shown["uuid"], shown["folio_number"]) == (
            "pending",
            waiting["id"],
            None,
            1,
        )
        assert (world.events(), world.folios()) == ([], (1, [1]))
        assert world.attempts() == [("sandbox", "stamp", "busy"), ("sandbox_backup", "stamp", "busy")]

    def test_the_background_stamps_it_after_a_minute(self, world: World) -> None:
        waiting = post(world, "pac_down").error["invoice"]["id"]
        bytes_before = world.query("select content from invoice_files where kind = 'sealed'")

        for _ in range(4):
            world.sweep(after_s=14)
        assert world.show(waiting)["status"] == "pending"
        world.sweep(after_s=60)

        stamped = world.show(waiting)
        assert (stamped["status"], stamped["folio_number"], stamped["date"]) == ("valid", 1, NOON_MS)
        assert stamped["stamp"]["provider"] == "sandbox"
        assert world.query("select content from invoice_files where kind = 'sealed'") == bytes_before
        assert world.events() == [("invoice.created", stamped["uuid"])]

    def test_the_next_sale_takes_the_next_folio_meanwhile(self, world: World) -> None:
        post(world, "pac_down")

        assert world.issue()["folio_number"] == 2

    def test_the_tries_follow_the_plan(self, world: World) -> None:
        post(world, "pac_down")
        waits = []
        for _ in range(4):
            due = world.query("select next_try_ms from invoices")[0][0]
            waits.append((due - world.clock.now_ms()) // 1000)
            world.sweep(after_s=waits[-1])
            if world.query("select status from invoices")[0][0] == "valid":
                break

        assert waits == [5, 15, 30, 60]
        assert world.query("select status from invoices") == [("valid",)]

    def test_a_document_of_71_hours_gets_a_new_date_and_keeps_its_folio(self, world: World) -> None:
        waiting = post(world, "pac_down").error["invoice"]["id"]

        world.sweep(after_s=71 * 3600)

        stamped = world.show(waiting)
        assert (stamped["status"], stamped["folio_number"]) == ("valid", 1)
        assert stamped["date"] == NOON_MS + 71 * HOUR_MS
        assert world.root(stamped["uuid"]).get("Fecha") == "2026-10-12T11:00:00"
        assert world.verdict(world.xml(stamped["uuid"])).valid

    def test_the_second_pac_helps_when_the_first_is_down(self, world: World) -> None:
        reply = post(world, "pac_down_first")

        assert (reply.status, reply.data["stamp"]["provider"]) == (201, "sandbox_backup")
        assert world.attempts() == [("sandbox", "stamp", "busy"), ("sandbox_backup", "stamp", "stamped")]
        assert world.verdict(world.xml(reply.data["uuid"])).valid


class TestLostAnswers:
    def test_an_answer_lost_after_the_stamp_is_collected(self, world: World) -> None:
        reply = post(world, "pac_timeout")

        assert (reply.status, reply.data["status"]) == (201, "valid")
        assert world.rows("sandbox_stamps") == 1
        assert world.query("select uuid from sandbox_stamps") == [(reply.data["uuid"],)]
        assert [call for _, call, _ in world.attempts()] == ["stamp", "find", "stamp"]

    def test_a_request_that_never_arrived_is_sent_again(self, world: World) -> None:
        reply = post(world, "pac_timeout_lost")

        assert (reply.status, reply.data["status"]) == (201, "valid")
        assert world.rows("sandbox_stamps") == 1
        outcomes = [(call, outcome) for _, call, outcome in world.attempts()]
        assert outcomes[:2] == [("stamp", "unknown"), ("find", "not_there")]
        assert {pac for pac, _, _ in world.attempts()} == {"sandbox"}

    def test_a_slow_pac_is_202_then_valid(self, world: World) -> None:
        reply = post(world, "pac_slow")

        assert (reply.status, reply.message) == (202, "Invoice accepted for stamping")
        assert reply.data["status"] == "pending"
        assert reply.header("location") == f"/v2/invoices/income/{reply.data['internal_id']}"
        world.sweep(after_s=10)
        assert world.show(reply.data["id"])["status"] == "pending"
        world.sweep(after_s=20)
        stamped = world.show(reply.data["id"])
        assert (stamped["status"], stamped["internal_id"]) == ("valid", reply.data["internal_id"])
        assert {pac for pac, _, _ in world.attempts()} == {"sandbox"}
        assert world.events() == [("invoice.created", stamped["uuid"])]

    def test_no_other_pac_is_asked_while_the_outcome_is_unknown(self, world: World) -> None:
        post(world, "pac_slow")
        for _ in range(3):
            world.sweep(after_s=6)

        assert {pac for pac, _, _ in world.attempts()} == {"sandbox"}
        assert world.rows("sandbox_stamps") == 1

    def test_a_duplicate_gets_the_original_stamp(self, world: World) -> None:
        reply = post(world, "duplicate")

        assert (reply.status, reply.data["status"]) == (201, "valid")
        assert world.rows("sandbox_stamps") == 1


class TestRefusal:
    def test_the_reply_names_sats_code_and_the_field(self, world: World) -> None:
        reply = post(world, "reject:CFDI40147")

        text = (
            "El campo DomicilioFiscalReceptor del receptor, debe encontrarse en la lista de RFC inscritos no cancelados "
            "en el SAT."
        )
        assert (reply.status, reply.error_code) == (422, "cfdi_service_error")
        assert reply.message.startswith("CFDI40147: ")
        assert reply.details == [f"client.address.zip: CFDI40147 {text}"]
        assert reply.paths == [("client.address.zip", "CFDI40147")]
        cfdi = reply.error["cfdi"]
        assert (cfdi["code"], cfdi["message"]) == ("CFDI40147", text)
        assert sorted(cfdi) == ["code", "explanation", "message", "solution"]
        assert cfdi["explanation"]
        assert cfdi["solution"]
        assert reply.error["invoice"]["status"] == "failed"

    def test_the_document_is_kept_as_failed_and_its_folio_reused(self, world: World) -> None:
        world.issue()
        failed = post(world, "reject:CFDI40147").error["invoice"]["id"]

        assert (world.folios(), world.released()) == ((2, [1]), [2])
        shown = world.show(failed)
        assert (shown["status"], shown["folio_number"], shown["uuid"], shown["stamp"]) == ("failed", 0, None, None)
        assert shown["error"]["code"] == "cfdi_service_error"
        assert shown["error"]["cfdi"]["code"] == "CFDI40147"
        assert world.events()[-1] == ("invoice.failed", failed)
        assert world.actions()[-2:] == ["invoice.create", "invoice.fail"]
        assert world.event_bodies("invoice.failed")[0] == {**shown, "files": {"pdf": None, "xml": None}}

        assert world.issue()["folio_number"] == 2
        assert (world.folios(), world.released()) == ((2, [1, 2]), [])
        assert world.issue()["folio_number"] == 3

    def test_released_folios_come_back_lowest_first(self, world: World) -> None:
        slow = [world.api.post("/invoices/income", world.sale(**{"async": True}, metadata={"sandbox": case})).data["id"]
                for case in ("reject:CFDI40147", "", "reject:CFDI40143", "")]  # fmt: skip
        world.sweep()

        assert [world.show(id_)["status"] for id_ in slow] == ["failed", "valid", "failed", "valid"]
        assert world.released() == [1, 3]
        assert [world.issue()["folio_number"] for _ in range(3)] == [1, 3, 5]

    def test_a_refused_explicit_folio_above_the_counter_leaves_no_trace(self, world: World) -> None:
        post(world, "reject:CFDI40147", folio_number=50)

        assert (world.folios(), world.released()) == ((0, []), [])
        assert world.issue()["folio_number"] == 1
        assert world.issue(folio_number=50)["folio_number"] == 50

    def test_no_other_pac_is_tried(self, world: World) -> None:
        post(world, "reject:CFDI40147")

        assert world.attempts() == [("sandbox", "stamp", "rejected")]

    def test_an_unknown_code_has_no_explanation(self, world: World) -> None:
        reply = post(world, "reject:XYZ999")

        assert (reply.status, reply.error["cfdi"]["code"], reply.error["fields"]) == (422, "XYZ999", [])
        assert reply.error["cfdi"]["explanation"] is None

    @pytest.mark.parametrize(
        ("change", "code", "path"),
        [
            ({"tax_id": "KIJ0906199R2"}, "CFDI40143", "client.tax_id"),
            ({"legal_name": "OTRA COSA"}, "CFDI40145", "client.legal_name"),
            ({"address": {"zip": "06600"}}, "CFDI40147", "client.address.zip"),
        ],
    )
    def test_the_register_of_test_taxpayers(self, world: World, change: dict[str, Any], code: str, path: str) -> None:
        known = {"legal_name": "KERNEL INDUSTIA JUGUETERA", "tax_id": "KIJ0906199R1", "address": {"zip": "62661"}}
        client = world.client(**{**known, **change})

        reply = world.api.post("/invoices/income", {**world.sale(), "client": {"id": client}})

        if code == "CFDI40143":  # an RFC that is not in the register passes
            assert reply.status == 201, reply.json
        else:
            assert (reply.status, reply.error["cfdi"]["code"], reply.paths) == (422, code, [(path, code)])


def test_a_failed_document_is_only_in_lists_that_ask_for_it(world: World) -> None:
    failed = post(world, "reject:CFDI40147").error["invoice"]["id"]
    valid = world.issue()["id"]

    assert [row["id"] for row in world.api.get("/invoices/income").data] == [valid]
    assert [row["id"] for row in world.api.get("/invoices/income?status=failed").data] == [failed]


def test_the_case_is_kept_in_the_metadata(world: World) -> None:
    reply = post(world, "pac_down_first")

    assert reply.data["metadata"] == {"sandbox": "pac_down_first"}


def test_a_stamp_that_is_not_ours_is_not_believed(world: World) -> None:
    """Two documents, and a PAC that answers the second with the first one's stamp."""
    first = world.issue()
    stamped = world.xml(first["uuid"])
    pac = world.parts.test.pacs[0]

    async def wrong(*_: Any, **__: Any) -> Any:
        from timbra.pac.port import Stamped

        return Stamped(stamped)

    pac.stamp, pac.find = wrong, wrong  # type: ignore[method-assign]
    reply = world.api.post("/invoices/income", world.sale())

    assert (reply.status, reply.data["status"]) == (202, "pending")
    assert world.actions()[-1] == "invoice.alarm"
    del pac.stamp, pac.find  # type: ignore[misc]
    world.sweep(after_s=60)
    assert world.show(reply.data["id"])["status"] == "valid"
