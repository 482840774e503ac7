import pytest

from timbra.webhooks.names import ALIASES, KNOWN, goes_to, name_for, unknown


def test_aliases_mean_events_that_exist_and_are_none_themselves() -> None:
    assert set(ALIASES.values()) <= KNOWN
    assert not set(ALIASES) & KNOWN


@pytest.mark.parametrize(
    ("names", "type_", "name"),
    [
        ([], "invoice.created", "invoice.created"),
        (["*"], "invoice.created", "invoice.created"),
        (["payment.created", "*"], "invoice.created", "invoice.created"),
        (["invoice.created"], "invoice.created", "invoice.created"),
        (["invoice.created"], "invoice.canceled", None),
        (["invoice.stamped"], "invoice.created", "invoice.stamped"),
        (["invoice.stamped", "invoice.created"], "invoice.created", "invoice.created"),
        (["payment.received", "payment.completed"], "payment.succeeded", "payment.received"),
        (["*", "invoice.stamped"], "invoice.created", "invoice.created"),
        ([], "sat.invoice.synced", None),
        (["*"], "sat.invoice.synced", None),
        (["*", "sat.invoice.synced"], "sat.invoice.synced", "sat.invoice.synced"),
        (["moon.landed"], "moon.landed", "moon.landed"),
    ],
)
def test_what_an_endpoint_calls_an_event(names: list[str], type_: str, name: str | None) -> None:
    assert name_for(names, type_) == name


def test_events_of_teams_are_for_connect_alone() -> None:
    assert goes_to([], "gigstack_connect", "teams.created")
    assert not goes_to([], None, "teams.created")
    assert not goes_to(["teams.created"], None, "teams.created")
    assert not goes_to(["invoice.created"], "gigstack_connect", "teams.created")
    assert goes_to([], "gigstack_connect", "invoice.created")


def test_unknown_names_are_told_once() -> None:
    assert unknown(["*", "moon.landed", "invoice.stamped", "invoice.created", "moon.landed", "a.b"]) == [
        "moon.landed",
        "a.b",
    ]
