"""One request, one document: keys in header and body, repeats, dead processes, the twin of a 503."""

from typing import Any

import pytest

from world import NOON_MS, Reply, World

PATH = "/invoices/income"


def post(world: World, body: dict[str, Any], key: str | None = None) -> Reply:
    return world.api.post(PATH, body, **({"idempotency_key": key} if key else {}))


class TestReplay:
    def test_a_header_key_gives_the_same_bytes_again(self, world: World) -> None:
        body = world.sale(return_files_urls=True)
        first = post(world, body, "k-1")
        world.clock.advance(3_600_000)

        with world.unchanged():
            again = post(world, body, "k-1")

        assert (again.status, again.raw.content) == (201, first.raw.content)
        assert (first.header("idempotent-replayed"), again.header("idempotent-replayed")) == (None, "true")
        assert first.data["idempotency_key"] is None

    def test_a_body_key_is_kept_on_the_document(self, world: World) -> None:
        body = world.sale(idempotency_key="order-1")
        first = post(world, body)

        with world.unchanged():
            again = post(world, body)

        assert (first.status, first.data["idempotency_key"]) == (201, "order-1")
        assert (again.status, again.raw.content, again.header("idempotent-replayed")) == (
            201,
            first.raw.content,
            "true",
        )

    def test_a_body_key_stays_bound_after_its_record_is_gone(self, world: World) -> None:
        body = world.sale(idempotency_key="order-1")
        uuid = post(world, body).data["uuid"]
        world.clock.advance(31 * 86_400_000)
        world.database.write_sync(lambda tx: world.house.idempotency.purge(tx))
        assert world.rows("idempotency_records") == 0
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        again = post(world, body)

        assert (again.status, again.header("idempotent-replayed")) == (200, "true")
        assert (again.data["uuid"], again.data["status"]) == (uuid, "canceled")
        assert post(world, {**body, "series": "B"}).status == 409
        assert world.rows("invoices") == 1

    def test_both_keys(self, world: World) -> None:
        body = world.sale(idempotency_key="order-1")
        first = post(world, body, "k-1")

        assert post(world, body, "k-1").raw.content == first.raw.content
        other_header = post(world, body, "k-2")
        assert (other_header.status, other_header.data["uuid"]) == (200, first.data["uuid"])
        assert other_header.header("idempotent-replayed") == "true"
        assert world.rows("invoices") == 1

    def test_the_key_itself_is_not_part_of_the_request(self, world: World) -> None:
        first = post(world, world.sale(idempotency_key="a"), "k-1")

        assert post(world, world.sale(idempotency_key="b"), "k-1").raw.content == first.raw.content

    def test_another_body_is_409(self, world: World) -> None:
        post(world, world.sale(100), "k-1")
        post(world, world.sale(100, idempotency_key="b-1"))

        with world.unchanged():
            replies = [post(world, world.sale(101), "k-1"), post(world, world.sale(101, idempotency_key="b-1"))]

        for reply in replies:
            assert (reply.status, reply.error_code) == (409, "resource_conflict")
            assert reply.details == ["idempotency_key: was used with a different request"]

    def test_a_key_means_something_else_on_another_path_and_in_another_team(self, world: World) -> None:
        uuid = post(world, world.sale(100), "k-1").data["uuid"]
        related = [{"relationship": "01", "documents": [uuid]}]

        credit = world.api.post("/invoices/egress", world.sale(10, related_documents=related), idempotency_key="k-1")

        assert (credit.status, credit.data["invoice_type"]) == (201, "E")
        assert world.rival.post(PATH, world.sale(), idempotency_key="k-1").status != 409

    def test_a_body_key_of_another_kind_of_document_is_409(self, world: World) -> None:
        uuid = post(world, world.sale(100, idempotency_key="b-1")).data["uuid"]
        related = [{"relationship": "01", "documents": [uuid]}]

        credit = world.api.post("/invoices/egress", world.sale(10, related_documents=related, idempotency_key="b-1"))

        assert (credit.status, credit.error_code) == (409, "resource_conflict")
        assert world.rows("invoices") == 1

    @pytest.mark.parametrize("key", ["", "ñ", "x" * 256])
    def test_the_form_of_a_header_key(self, world: World, key: str) -> None:
        with world.unchanged():
            content = b"{}"
            request = world.http.request(
                "POST", f"/v2{PATH}", content=content,
                headers={"authorization": f"Bearer {world.api.key}", "idempotency-key": key.encode()},  # type: ignore[dict-item]
            )  # fmt: skip
            reply = Reply(world.run(request))

        assert (reply.status, reply.error_code) == (400, "invalid_field_value")
        assert reply.paths == [("Idempotency-Key", "format")]


class TestRefusalsFreeTheKey:
    @pytest.mark.parametrize("where", ["header", "body"])
    def test_of_a_request_that_is_wrong(self, world: World, where: str) -> None:
        key = "k-1" if where == "header" else None
        more = {} if where == "header" else {"idempotency_key": "k-1"}

        assert post(world, world.sale(100, payment_form="99", **more), key).status == 400
        assert world.rows("idempotency_records") == 0
        assert post(world, world.sale(100, **more), key).status == 201

    @pytest.mark.parametrize("where", ["header", "body"])
    def test_of_a_document_that_the_pac_refuses(self, world: World, where: str) -> None:
        key = "k-1" if where == "header" else None
        more = {} if where == "header" else {"idempotency_key": "k-1"}

        refused = post(world, world.sale(100, metadata={"sandbox": "reject:CFDI40147"}, **more), key)
        corrected = post(world, world.sale(100, **more), key)

        assert (refused.status, corrected.status) == (422, 201)
        assert (corrected.data["folio_number"], world.rows("invoices")) == (1, 2)
        assert world.show(refused.error["invoice"]["id"])["idempotency_key"] == more.get("idempotency_key")

    @pytest.mark.parametrize("where", ["header", "body"])
    def test_of_a_document_that_is_refused_in_the_background(self, world: World, where: str) -> None:
        key = "k-1" if where == "header" else None
        more = {} if where == "header" else {"idempotency_key": "k-1"}
        body = world.sale(100, metadata={"sandbox": "reject:CFDI40147"}, **more, **{"async": True})

        assert post(world, body, key).status == 202
        world.sweep()
        corrected = post(world, world.sale(100, **more), key)

        assert (corrected.status, corrected.data["folio_number"]) == (201, 1)


class TestOutage:
    @pytest.mark.parametrize("where", ["header", "body"])
    def test_a_503_keeps_the_key(self, world: World, where: str) -> None:
        key = "k-1" if where == "header" else None
        more = {} if where == "header" else {"idempotency_key": "k-1"}
        body = world.sale(100, metadata={"sandbox": "pac_down"}, **more)
        first = post(world, body, key)
        waiting = first.error["invoice"]["id"]

        again = post(world, body, key)

        assert (first.status, again.status) == (503, 202)
        assert (again.data["id"], again.data["status"]) == (waiting, "pending")
        assert post(world, {**body, "series": "B"}, key).status == 409
        world.sweep(after_s=60)
        stamped = post(world, body, key)
        assert (stamped.status, stamped.data["status"], stamped.data["internal_id"]) == (201, "valid", waiting)
        replayed = post(world, body, key)
        assert (replayed.raw.content, replayed.header("idempotent-replayed")) == (stamped.raw.content, "true")
        assert (world.rows("invoices"), world.folios()) == (1, (1, [1]))

    def test_the_same_body_without_a_key_finds_its_twin(self, world: World) -> None:
        body = world.sale(100, metadata={"sandbox": "pac_down"})
        waiting = post(world, body).error["invoice"]["id"]

        with world.unchanged():
            twin = post(world, body)

        assert (twin.status, twin.message) == (202, "Invoice accepted for stamping")
        assert (twin.data["id"], twin.data["status"]) == (waiting, "pending")
        assert twin.header("location") == f"/v2/invoices/income/{waiting}"

    def test_another_body_has_no_twin(self, world: World) -> None:
        post(world, world.sale(100, metadata={"sandbox": "pac_down"}))

        assert post(world, world.sale(101, metadata={"sandbox": "pac_down"})).status == 503
        assert post(world, world.sale(100, metadata={"sandbox": "pac_down"}), "k-1").status == 503
        assert world.rows("invoices") == 3

    def test_a_document_of_another_kind_is_no_twin(self, world: World) -> None:
        related = [{"relationship": "07", "documents": [world.issue()["uuid"]]}]
        body = world.sale(100, related_documents=related, metadata={"sandbox": "pac_down"})

        assert [world.api.post(f"/invoices/{kind}", body).status for kind in ("income", "egress")] == [503, 503]
        assert world.api.post("/invoices/egress", body).data["invoice_type"] == "E"

    def test_a_twin_that_is_stamped_is_one_no_more(self, world: World) -> None:
        body = world.sale(100, metadata={"sandbox": "pac_down"})
        post(world, body)
        world.sweep(after_s=60)

        assert post(world, body).status == 503
        assert world.folios() == (2, [1, 2])

    def test_equal_sales_without_a_key_are_two(self, world: World) -> None:
        assert [post(world, world.sale(100)).data["folio_number"] for _ in range(2)] == [1, 2]

    def test_a_slow_stamp_keeps_the_key(self, world: World) -> None:
        body = world.sale(100, metadata={"sandbox": "pac_slow"})
        waiting = post(world, body, "k-1").data["id"]

        assert (post(world, body, "k-1").status, world.rows("invoices")) == (202, 1)
        world.clock.advance(30_000)
        settled = post(world, body, "k-1")

        assert (settled.status, settled.data["internal_id"], settled.data["status"]) == (201, waiting, "valid")
        assert world.rows("sandbox_stamps") == 1


class TestAtTheSameTime:
    @pytest.mark.parametrize("where", ["header", "body"])
    def test_two_hundred_calls_with_one_key_make_one_document(self, world: World, where: str) -> None:
        body = world.sale(100, **({} if where == "header" else {"idempotency_key": "k-1"}))
        headers = {"idempotency_key": "k-1"} if where == "header" else {}

        replies = world.together([world.api.later("POST", PATH, body, **headers) for _ in range(200)])

        assert {reply.status for reply in replies} <= {201, 409}
        made = {reply.data["uuid"] for reply in replies if reply.status == 201}
        assert len(made) == 1
        for reply in replies:
            if reply.status == 409:
                assert (reply.error_code, reply.header("retry-after")) == ("resource_conflict", "2")
        assert (world.rows("invoices"), world.rows("sandbox_stamps"), world.folios()) == (1, 1, (1, [1]))
        assert len(world.events()) == 1
        assert post(world, body, "k-1" if where == "header" else None).status == 201

    def test_a_repeat_while_the_first_runs_is_409(self, world: World) -> None:
        body = world.sale(100)
        world.die_at("stamp.before_pac", lambda: post(world, body, "k-1"))
        world.house.database.__dict__.pop("write")

        with world.unchanged():
            reply = post(world, body, "k-1")

        assert (reply.status, reply.error_code, reply.header("retry-after")) == (409, "resource_conflict", "2")
        assert reply.details == ["idempotency_key: is in use by a request that is still running"]

    def test_different_sales_get_folios_without_gaps(self, world: World) -> None:
        bodies = [world.sale(100 + n) for n in range(30)]

        replies = world.together([world.api.later("POST", PATH, body) for body in bodies])

        assert [reply.status for reply in replies] == [201] * 30
        assert world.folios() == (30, list(range(1, 31)))

    def test_an_explicit_folio_is_given_once(self, world: World) -> None:
        bodies = [world.sale(100 + n, folio_number=7) for n in range(6)]

        replies = world.together([world.api.later("POST", PATH, body) for body in bodies])

        assert sorted(reply.status for reply in replies) == [201] + [409] * 5
        assert world.folios() == (7, [7])


POINTS = [
    "issue.before_tx1", "issue.after_folio", "issue.after_tx1", "stamp.before_pac", "stamp.after_pac",
    "stamp.before_tx2", "stamp.after_tx2",
]  # fmt: skip


class TestDeadProcess:
    @pytest.mark.parametrize("point", POINTS)
    def test_the_repeat_finishes_what_was_begun(self, world: World, point: str) -> None:
        body = world.sale(100)
        world.die_at(point, lambda: post(world, body, "k-1"))
        world.restart()
        world.clock.advance(60_000)

        reply = post(world, body, "k-1")

        assert (reply.status, reply.data["status"], reply.data["folio_number"]) == (201, "valid", 1)
        assert (world.rows("invoices"), world.rows("sandbox_stamps"), world.folios()) == (1, 1, (1, [1]))
        assert world.events() == [("invoice.created", reply.data["uuid"])]
        assert world.actions() == ["invoice.create", "invoice.stamp"]
        assert world.verdict(world.xml(reply.data["uuid"])).valid
        again = post(world, body, "k-1")
        assert (again.status, again.data["uuid"], again.header("idempotent-replayed")) == (
            201, reply.data["uuid"], "true",
        )  # fmt: skip

    @pytest.mark.parametrize("point", POINTS[2:])
    def test_the_background_finishes_it_when_nobody_repeats(self, world: World, point: str) -> None:
        body = world.sale(100)
        world.die_at(point, lambda: post(world, body, "k-1"))
        world.restart()

        world.sweep(after_s=60)

        assert world.query("select status, folio from invoices") == [("valid", 1)]
        assert (world.rows("sandbox_stamps"), len(world.events())) == (1, 1)
        reply = post(world, body, "k-1")
        assert (reply.status, reply.data["status"]) == (201, "valid")
        assert world.rows("invoices") == 1

    @pytest.mark.parametrize("point", POINTS[:2])
    def test_what_died_before_the_folio_leaves_nothing(self, world: World, point: str) -> None:
        with world.unchanged():
            world.die_at(point, lambda: post(world, world.sale(100), "k-1"))
            world.restart()
            world.sweep(after_s=60)

        assert world.issue()["folio_number"] == 1

    def test_a_dead_credit_still_holds_its_amount_until_it_is_stamped(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]
        world.die_at("stamp.before_pac", lambda: world.credit([sale], 60))
        world.restart()
        assert world.credit([sale], 60).status == 400

        world.sweep(after_s=60)

        assert (world.show(sale)["credited"], world.rows("invoice_credits")) != (0, 0)
        assert world.query("select state from invoice_credits") == [("live",)]

    def test_a_body_key_is_resumed_too(self, world: World) -> None:
        body = world.sale(100, idempotency_key="order-1")
        world.die_at("stamp.after_pac", lambda: post(world, body))
        world.restart()
        world.clock.advance(60_000)

        reply = post(world, body)

        assert (reply.status, reply.data["idempotency_key"], world.rows("invoices")) == (201, "order-1", 1)
        assert world.clock.now_ms() == NOON_MS + 60_000
