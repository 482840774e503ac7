import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.platform.egress import Answer
from timbra.webhooks.attempt import DELAYS_MS, TRIES_MAX, following, judged
from timbra.webhooks.model import Attempt
from world import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

FAILED = Attempt(0, 1, 500, "http_response")


def test_ten_tries_take_three_days() -> None:
    assert TRIES_MAX == 10
    assert sum(DELAYS_MS) == 75 * HOUR_MS + 35 * MINUTE_MS + 5 * SECOND_MS


@given(st.integers(1, 9), st.integers(0, 999))
def test_delay_grows_by_at_most_a_tenth(tries: int, chance: int) -> None:
    status, due_ms = following(FAILED, tries, 1_000_000, chance)

    assert status == "retrying"
    assert due_ms is not None
    assert DELAYS_MS[tries - 1] <= due_ms - 1_000_000 <= DELAYS_MS[tries - 1] * 11 // 10


def test_last_try_ends_the_delivery() -> None:
    assert following(FAILED, 10, 0, 0) == ("failed", None)
    assert following(Attempt(0, 1, 204), 10, 0, 0) == ("succeeded", None)


@pytest.mark.parametrize(
    ("status", "category"),
    [(200, None), (204, None), (299, None), (301, "redirect"), (308, "redirect"), (304, "redirect"),
     (400, "http_response"), (410, "http_response"), (500, "http_response"), (199, "http_response")],
)  # fmt: skip
def test_only_2xx_is_a_success(status: int, category: str | None) -> None:
    assert judged(Answer(status, {}, b""), 0, 1).category == category


@pytest.mark.parametrize(
    ("status", "text", "wait_ms"),
    [
        (429, "120", 120 * SECOND_MS),
        (503, "Thu, 01 Jan 1970 01:00:00 GMT", HOUR_MS),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (503, "Thu, 01 Jan 1970 02:00:00 -0000", 2 * HOUR_MS),
        (429, "999999999999999999", DAY_MS),
        (429, "86401", DAY_MS),
        (429, "-5", 0),
        (429, "soon", 0),
        (429, "", 0),
        (429, "²", 0),
        (500, "120", 0),
        (200, "120", 0),
    ],
)
def test_retry_after_is_read_from_429_and_503(status: int, text: str, wait_ms: int) -> None:
    assert judged(Answer(status, {"retry-after": text}, b""), 0, 1).retry_after_ms == wait_ms


def test_retry_after_counts_when_it_is_longer() -> None:
    asked = Attempt(0, 1, 429, "http_response", None, 60 * SECOND_MS)

    assert following(asked, 1, 0, 0) == ("retrying", 60 * SECOND_MS)
    assert following(asked, 2, 0, 0) == ("retrying", 5 * MINUTE_MS)


def test_excerpt_is_text_whatever_came() -> None:
    assert judged(Answer(500, {}, b"caf\xe9\0"), 0, 1).excerpt == "caf��"
    assert judged(Answer(500, {}, b""), 0, 1).excerpt is None
