"""The lenient forms of request fields, value by value."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic_core import PydanticCustomError

from timbra.http.body import Command, validate
from timbra.http.errors import Invalid
from timbra.http.fields import (
    ZIP,
    Amount,
    Choice,
    Code,
    Email,
    Flag,
    Instant,
    Metadata,
    QueryFlag,
    Rule,
    Text,
    Url,
    Whole,
    refuse,
)


def code_of(rule: Rule, value: Any) -> tuple[str, Any]:
    with pytest.raises(PydanticCustomError) as caught:
        rule.check(value)
    assert caught.value.context is not None
    return caught.value.type, caught.value.context["fix"]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("rule", "given", "kept"),
    [
        (Text(), " a ", "a"),
        (Text(), "e\u0301", "é"),
        (Text(max=2), "ñ" * 2, "ññ"),
        (Text(multiline=True), "a\n\tb", "a\n\tb"),
        (Code(pattern=r"\d{3}"), 601, "601"),
        (Code(pattern=r"[A-Z]\d\d"), " g03 ", "G03"),
        (Code(pad=2), 3, "03"),
        (ZIP, 1000, "01000"),
        (ZIP, "01000", "01000"),
        (ZIP, "SW1A 1AA", "SW1A 1AA"),
        (Choice("IVA", "ISR"), "iva", "IVA"),
        (Choice(Colour.RED, Colour.BLUE), "Blue", Colour.BLUE),
        (Choice("canceled", also={"cancelled": "canceled"}), "CANCELLED", "canceled"),
        (Amount(), "0.16", Decimal("0.16")),
        (Amount(), 5, Decimal(5)),
        (Amount(), Decimal("1.1000000000"), Decimal("1.1")),
        (Amount(), Decimal("1E+3"), Decimal(1000)),
        (Amount(), " -1 ", Decimal(-1)),
        (Amount(), Decimal("999999999999.999999"), Decimal("999999999999.999999")),
        (Whole(), "7", 7),
        (Whole(), Decimal("7.0"), 7),
        (Email(), " Ana@Example.com ", "Ana@Example.com"),
        (Url(), "https://a.example/x?y=1", "https://a.example/x?y=1"),
        (Url(loopback=True), "http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        (Url(loopback=True), "http://[::1]/x", "http://[::1]/x"),
        (Instant(), 1_791_504_000, 1_791_504_000_000),
        (Instant(), 1_791_504_000_123, 1_791_504_000_123),
        (Instant(), "1791504000", 1_791_504_000_000),
        (Instant(), "2026-10-09T00:00:00Z", 1_791_504_000_000),
        (Instant(), "2026-10-08T18:00:00.5-06:00", 1_791_504_000_500),
        (Instant(zone="America/Mexico_City"), "2026-10-08T18:00:00", 1_791_504_000_000),
        (Instant(), "2026-10-09", 1_791_504_000_000),
        (QueryFlag(), "1", True),
        (QueryFlag(), "False", False),
        (Metadata(), {"a": {"b": [1, True, None]}}, {"a": {"b": [1, True, None]}}),
    ],
)
def test_accepted_forms(rule: Rule, given: Any, kept: Any) -> None:
    assert rule.check(given) == kept
    assert type(rule.check(given)) is type(kept)


@pytest.mark.parametrize(
    ("rule", "given", "code"),
    [
        (Text(), 5, "type"),
        (Text(), True, "type"),
        (Text(), "a\nb", "format"),
        (Text(multiline=True), "a\rb", "format"),
        (Text(), "a\x00b", "format"),
        (Text(max=3), "abcd", "max_length"),
        (Text(min=3), "ab", "min_length"),
        (Text(), "x" * 1001, "max_length"),
        (Text(pattern="[a-z]+"), "A1", "format"),
        (Code(), True, "type"),
        (Code(), Decimal("1.5"), "type"),
        (Code(max=3), "ABCD", "max_length"),
        (Code(pattern=r"\d{3}"), "60", "format"),
        (Choice("IVA"), "xyz", "enum"),
        (Choice("IVA"), [], "type"),
        (Amount(), "1,000", "type"),
        (Amount(), "NaN", "type"),
        (Amount(), "1e3", "type"),
        (Amount(), True, "type"),
        (Amount(), [], "type"),
        (Amount(), "٣", "type"),
        (Amount(min=0), -1, "min"),
        (Amount(above=0), 0, "min"),
        (Amount(max=1), 16, "max"),
        (Amount(), 10**15, "max"),
        (Amount(), -(10**15), "min"),
        (Amount(), Decimal("0.1234567"), "format"),
        (Whole(), "1.5", "type"),
        (Whole(min=1), 0, "min"),
        (Whole(max=3), 4, "max"),
        (Email(), "a@b", "format"),
        (Email(), "a b@c.mx", "format"),
        (Email(), "a@b@c.mx", "format"),
        (Email(), "a@.mx", "format"),
        (Email(), "a" * 250 + "@b.mx", "format"),
        (Url(), "http://a.example", "format"),
        (Url(), "http://127.0.0.1", "format"),
        (Url(loopback=True), "http://a.example", "format"),
        (Url(), "https://user:x@a.example", "format"),
        (Url(), "https://", "format"),
        (Url(), "https://[::1", "format"),
        (Url(), "javascript:alert(1)", "format"),
        (Url(), "https://a.example/ b", "format"),
        (Url(), "https://a.example/" + "x" * 2048, "max_length"),
        (Instant(), "yesterday", "format"),
        (Instant(), -1, "format"),
        (Instant(), Decimal("1.5"), "format"),
        (Instant(), 10**15, "format"),
        (Instant(), "1960-01-01", "min"),
        (Instant(), True, "type"),
        (QueryFlag(), "yes", "type"),
        (Metadata(), [], "type"),
        (Metadata(), {str(n): 1 for n in range(51)}, "max_items"),
        (Metadata(), {"x" * 41: 1}, "max_length"),
        (Metadata(), {"": 1}, "max_length"),
        (Metadata(), {"a": "x" * 501}, "max_length"),
        (Metadata(), {"a": {"b": ["x" * 501]}}, "max_length"),
        (Metadata(), {"a": list(range(9000))}, "max_length"),
        (Metadata(), {"a": "\x00"}, "format"),
    ],
)
def test_refused_forms(rule: Rule, given: Any, code: str) -> None:
    assert code_of(rule, given)[0] == code


@pytest.mark.parametrize(
    ("rule", "given", "fix"),
    [
        (Text(max=3), "abcd", "abc"),
        (Amount(max=1), 16, 1),
        (Amount(), Decimal("0.1234565"), Decimal("0.123457")),
        (Amount(decimals=2), Decimal("1.005"), Decimal("1.01")),
        (Choice("Tasa", "Cuota"), "tassa", "Tasa"),
        (Choice("Tasa"), "x", None),
    ],
)
def test_a_fix_would_be_accepted(rule: Rule, given: Any, fix: Any) -> None:
    assert code_of(rule, given)[1] == fix
    if fix is not None:
        assert rule.check(fix) == fix


class Strict(Command):
    flag: Flag = False
    text: Annotated[str | None, Text(max=3)] = None


def test_booleans_are_json_booleans_only() -> None:
    assert validate(Strict, {"flag": True}, None).flag is True
    for bad in (1, "true", "1"):
        with pytest.raises(Invalid) as caught:
            validate(Strict, {"flag": bad}, None)
        assert (caught.value.fields[0].code, caught.value.fields[0].message) == ("type", "must be true or false")


def test_a_model_may_place_its_complaint_below_itself() -> None:
    from pydantic import model_validator

    class Pair(Command):
        low: int
        high: int

        @model_validator(mode="after")
        def _ordered(self) -> "Pair":
            if self.low > self.high:
                raise refuse("conflict", "must not be above high", self.high, path="low")
            return self

    with pytest.raises(Invalid) as caught:
        validate(Pair, {"low": 2, "high": 1}, None)

    assert caught.value.message == "low: must not be above high"
    assert caught.value.fields[0].fix == 1


def test_commands_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Strict().flag = True  # type: ignore[misc]
