"""One try: the call to the receiver, and what becomes of the delivery after it (contract §6)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from timbra.platform.clock import Clock, perf_ns
from timbra.platform.egress import Answer, Egress, EgressFailed, Limits, Reason
from timbra.webhooks import message, signing
from timbra.webhooks.model import FAILED, RETRYING, SUCCEEDED, Attempt, Endpoint, Event
from timbra.webhooks.names import name_for
from timbra.webhooks.signing import Opened

LIMITS: Final = Limits(connect_s=2.0, read_s=5.0, total_s=5.0, answer_bytes=4_096, cut=True)
USER_AGENT: Final = "timbra-webhooks/1"
SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000
DELAYS_MS: Final = (
    5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS,
    24 * HOUR_MS,
)  # fmt: skip
TRIES_MAX: Final = len(DELAYS_MS) + 1
JITTER_PART: Final = 10  # a delay grows by up to a tenth of itself
RETRY_AFTER_MAX_MS: Final = 24 * HOUR_MS
MAY_SAY_WHEN: Final = (429, 503)
GONE_STATUS: Final = 410

_CATEGORIES: Final = {Reason.DNS: "dns", Reason.ADDRESS: "private_host", Reason.URL: "private_host"}
OTHER_FAILURE: Final = "network_or_timeout"


async def attempt(egress: Egress, clock: Clock, endpoint: Endpoint, opened: Opened, event: Event) -> Attempt:
    """The event has been sent once; what came of it."""
    body = message.body(event, name_for(endpoint.events, event.type) or event.type)
    at_ms, began_ns = clock.now_ms(), perf_ns()
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **opened.headers}
    headers |= signing.headers(opened, event.id, at_ms // 1000, body)
    try:
        answer = await egress.request("POST", endpoint.url, headers=headers, body=body, limits=LIMITS)
    except EgressFailed as error:
        category = _CATEGORIES.get(error.reason, OTHER_FAILURE)
        return Attempt(at_ms, _since_ms(began_ns), category=category)
    return judged(answer, at_ms, _since_ms(began_ns))


def judged(answer: Answer, at_ms: int, latency_ms: int) -> Attempt:
    """The try that got this answer."""
    category = None
    if not 200 <= answer.status < 300:
        category = "redirect" if 300 <= answer.status < 400 else "http_response"
    excerpt = answer.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}") or None
    wait_ms = _retry_after_ms(answer, at_ms) if answer.status in MAY_SAY_WHEN else 0
    return Attempt(at_ms, latency_ms, answer.status, category, excerpt, wait_ms)


def following(tried: Attempt, tries: int, now_ms: int, chance: int) -> tuple[str, int | None]:
    """(status, time of the next try) of a delivery after its ``tries``-th try. chance: 0 to 999, picks the jitter."""
    if tried.is_success:
        return SUCCEEDED, None
    if tries >= TRIES_MAX:
        return FAILED, None
    delay_ms = DELAYS_MS[tries - 1]
    delay_ms += delay_ms * chance // (JITTER_PART * 1_000)
    return RETRYING, now_ms + max(delay_ms, tried.retry_after_ms)


def _retry_after_ms(answer: Answer, now_ms: int) -> int:
    """What ``Retry-After`` asks for, seconds or a date, at most a day; 0 when it says nothing that can be read."""
    text = answer.headers.get("retry-after", "").strip()
    is_count = text.isascii() and text.isdigit()
    asked_ms = int(text[:9]) * SECOND_MS if is_count else _date_ms(text) - now_ms
    return min(max(asked_ms, 0), RETRY_AFTER_MAX_MS)


def _date_ms(text: str) -> int:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_MS


def _since_ms(began_ns: int) -> int:
    return (perf_ns() - began_ns) // 1_000_000
