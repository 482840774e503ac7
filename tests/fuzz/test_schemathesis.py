"""The server driven by schemathesis from its own /openapi.json: good and bad data, every operation.

Each generated case is sent as it is, then with ids that exist, and with its body laid over the documented example, so
that requests get past the first check. ``TIMBRA_SOAK=1`` sends about 100,000. That bad data is refused is not asked
here: the contract reads leniently (numeric text, unknown fields); exact refusals are in ``test_hostile_*``.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from factories.accounts import key_of
from factories.refusals import check_envelope
from world import Reply, World

SOAK = bool(os.environ.get("TIMBRA_SOAK"))
WITH_BODY, WITHOUT_BODY = (300, 150) if SOAK else (6, 3)  # generated cases per operation and mode
GROUPS = (
    "Invoices",
    "Clients",
    "Services",
    "Teams",
    "Users",
    "API keys",
    "Auth",
    "Files",
    "Health",
    "Payments",
    "Receipts",
    "Webhooks",
    "Sandbox",
    "Catalogs",
    "Support documents",
    "SAT lists",
)
CHECKS = [
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]  # fmt: skip
ORDER = ("GET", "POST", "PUT", "DELETE")
ORIGIN = "https://cfdi.example.com"
SHOWN = 5
LINE = {"description": "Renta", "unit_price": 10}
# What an id in a path names, by the beginning of the path.
KINDS = {
    "/v2/clients/": "client", "/v2/services/": "service", "/v2/invoices/": "income", "/v2/invoices/egress/": "egress",
    "/v2/teams/": "team", "/v2/users/": "user", "/v2/api-keys/": "key", "/v2/files/": "file",
    "/v2/webhooks/": "webhook", "/v2/events/": "event", "/v2/sandbox/documents/": "income",
    "/v2/catalogs/": "catalog", "/v2/sat-lists/check/": "rfc",
    "/v2/receipts/": "receipt",
}  # fmt: skip


def documented(world: World) -> dict[str, Any]:
    return dict(Reply(world.run(world.http.get(f"{ORIGIN}/openapi.json"))).raw.json())


def operations(document: dict[str, Any], group: str) -> list[Any]:
    """The operations of a tag, those that destroy last."""
    schema = schemathesis.openapi.from_dict(document)
    found = [result.ok() for result in schema.get_all_operations()]
    own = [one for one in found if one.definition.raw["tags"] == [group]]
    return sorted(own, key=lambda one: ORDER.index(one.method.upper()))


def generated(operation: Any, mode: GenerationMode, count: int) -> list[Case]:
    cases: list[Case] = []

    @seed(1)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        cases.append(case)

    try:
        collect()
    except Unsatisfiable:  # an operation without any input cannot be asked wrongly
        assert not operation.definition.raw["parameters"]
    return cases


@dataclass
class Driver:
    """Sends cases to one server and keeps what is wrong with the answers."""

    world: World
    random: Random = field(default_factory=lambda: Random(1))
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[str, str] = field(default_factory=dict)

    def known(self, kind: str) -> str:
        """The id of an object that exists."""
        world = self.world
        makers: dict[str, Callable[[], Any]] = {
            "client": world.client,
            "service": lambda: world.api.post("/services", {"description": "Renta", "unit_price": 10}).data["id"],
            "income": lambda: world.issue(100)["uuid"],
            "egress": lambda: world.credit([world.issue(100)["uuid"]], 10).data["id"],
            "receipt": lambda: world.api.post("/receipts", {"client": {"name": "Ana"}, "items": [LINE]}).data["id"],
            "team": lambda: world.team_id,
            "user": lambda: world.query("select owner from teams where id = :t", t=world.team_id)[0][0],
            "file": lambda: f"xml_{world.issue(100)['internal_id']}",
            "key": self._new_key,
            "webhook": lambda: world.api.post("/webhooks", {"url": "https://1.1.1.1/"}).data["id"],
            "catalog": lambda: "currencies",
            "rfc": lambda: "URE180429TM6",
            "event": lambda: world.api.get("/events?limit=1").data[0]["id"],
        }
        return str(makers[kind]())

    def _new_key(self) -> Any:
        key_of(self.world, self.world.team_id)
        return self.world.query("select id from api_keys order by created_ms desc, id desc")[0][0]

    def drive(self, operation: Any, mode: GenerationMode) -> None:
        raw = operation.definition.raw
        body = raw.get("requestBody", {}).get("content", {})
        ids = self.ids(operation) if "{" in operation.path else {}
        example = body.get("application/json", {}).get("example")
        for case in generated(operation, mode, WITH_BODY if body else WITHOUT_BODY):
            self.send(case)
            for _ in range(4 if body else 2):
                self.send(self.nearer(case, ids, example))

    def ids(self, operation: Any) -> dict[str, str]:
        prefix = max((prefix for prefix in KINDS if operation.path.startswith(prefix)), key=len)
        names = [one["name"] for one in operation.definition.raw["parameters"] if one["in"] == "path"]
        return dict(zip(names, [self.known(KINDS[prefix]), "A"], strict=False))

    def nearer(self, case: Case, ids: dict[str, str], example: Any) -> Case:
        """The case with ids that exist, without foreign team, cursor and some parameters, parts of its body over a good one."""
        drop = {"team", "next"} | {name for name in case.query or {} if self.random.random() < 0.4}
        query = {name: value for name, value in (case.query or {}).items() if name not in drop}
        body = case.body
        if isinstance(example, dict) and isinstance(body, dict):
            taken = self.random.sample(sorted(body, key=str), min(len(body), self.random.randint(0, 3)))
            body = {**example, **{name: body[name] for name in taken}}
        return case.operation.Case(
            method=case.method, path_parameters={**(case.path_parameters or {}), **ids}, query=query,
            headers=dict(case.headers or {}), body=body, media_type=case.media_type,
        )  # fmt: skip

    def send(self, case: Case) -> None:
        request = prepared(case)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        if case.operation.definition.raw.get("security") != []:
            headers["Authorization"] = f"Bearer {self.world.api.key}"
        answered = self.world.run(
            self.world.http.request(request.method or "", request.url or "", content=request.body, headers=headers)
        )
        reply = Reply(answered)
        self.statuses[reply.status] += 1
        try:
            check(case, reply)
        except (AssertionError, FailureGroup) as error:
            at = f"{case.operation.label}: {reply.status} {str(error)[:300]}"
            self.wrong.setdefault(at, f"{request.url} {str(request.body)[:800]}\n{answered.text[:400]}")


def prepared(case: Case) -> requests.PreparedRequest:
    """The request as it goes over the wire."""
    members = case.as_transport_kwargs(base_url=ORIGIN)
    wanted = ("method", "url", "headers", "params", "data", "json", "files")
    return requests.Request(**{name: members[name] for name in wanted if name in members}).prepare()


def check(case: Case, reply: Reply) -> None:
    assert reply.status < 500
    assert reply.header("cache-control") == "no-store"
    case.validate_response(reply.raw, checks=CHECKS)
    if reply.status >= 400:
        check_envelope(reply)
    elif reply.header("content-type") == "application/json; charset=utf-8":
        assert reply.json["success"] is True
        assert reply.json["message"]
        assert reply.json["data"] is not None
        assert reply.header("x-request-id")


def test_every_operation_is_driven(shared_world: World) -> None:
    paths = documented(shared_world)["paths"]
    tags = {tuple(operation["tags"]) for path in paths.values() for operation in path.values()}

    assert tags == {(group,) for group in GROUPS}
    assert sum(map(len, paths.values())) == len(shared_world.operations())


@pytest.mark.parametrize("group", GROUPS)
def test_every_answer_is_as_documented(world: World, group: str) -> None:
    driver = Driver(world)
    for operation in operations(documented(world), group):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            driver.drive(operation, mode)

    print(f"{group}: {driver.statuses.total()} requests, {dict(driver.statuses)}")
    assert not driver.wrong, "\n\n".join(f"{at}\n{sent}" for at, sent in list(driver.wrong.items())[:SHOWN])
    assert group in ("Files", "Auth") or {200, 201} & set(driver.statuses), driver.statuses


def with_examples(world: World) -> Iterator[tuple[str, str, Any, int]]:
    for path, methods in documented(world)["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "example" in content:
                yield method.upper(), path, content["example"], min(map(int, operation["responses"]))


def test_documented_examples_work(world: World) -> None:
    driver = Driver(world)
    answers = {}
    for method, path, example, _ in with_examples(world):
        prefix = max((prefix for prefix in KINDS if path.startswith(prefix)), key=len, default="")
        url = path.replace("{id}", driver.known(KINDS[prefix])) if "{" in path else path
        answers[f"{method} {path}"] = world.api.call(method, url, example).status

    assert {name: status for name, status in answers.items() if status not in (200, 201)} == {}
    assert {"POST /v2/clients", "POST /v2/services", "POST /v2/invoices/income"} <= set(answers)
