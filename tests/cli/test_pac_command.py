"""``timbra pac``: accounts added, listed, ordered and removed by whoever runs the server."""

import pytest
from typer.testing import CliRunner

from factories.commands import Timbra
from timbra.cli.commands import app


def add(*arguments: str, typed: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["pac", "add", *arguments], input=typed)
    return done.exit_code, done.output


def test_accounts_of_a_team(timbra: Timbra) -> None:
    timbra("demo")

    assert add("finkok", "--live", typed="pass-1\nana@example.com\n")[0] == 0
    code, output = add("sw", "--live", typed="endless-token\n")
    assert code == 0
    assert "endless-token" not in output
    assert add("sw", typed="\npass-2\nana@example.com\n")[0] == 0

    assert timbra("pac", "order", "sw", "finkok", "--live").exit_code == 0
    lines = timbra("pac", "list").output.splitlines()
    assert [line.split()[:3] for line in lines] == [["live", "1", "sw"], ["live", "2", "finkok"], ["test", "1", "sw"]]
    assert all("tested never" in line for line in lines)
    assert timbra("pac", "remove", "finkok", "--live").exit_code == 0
    assert timbra("pac", "remove", "finkok", "--live").exit_code == 1
    assert len(timbra("pac", "list").output.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (("nobody",), "", "no provider that this release speaks to"),
        (("sw",), "\n\n", "Error"),
        (("facturama", "--live"), "p\nu\n", "seals with its own copy"),
    ],
)
def test_refusals(timbra: Timbra, arguments: tuple[str, ...], typed: str, says: str) -> None:
    timbra("demo")

    code, output = add(*arguments, typed=typed)

    assert code != 0
    assert says.lower() in output.lower() or says == "Error"
    assert timbra("pac", "list").output == ""


def test_a_trial_needs_an_account_and_a_certificate_that_providers_know(timbra: Timbra) -> None:
    timbra("demo")

    assert "no test account" in timbra("pac", "test", "finkok").output
    add("finkok", typed="pass-1\nana@example.com\n")
    refused = timbra("pac", "test", "finkok")

    assert refused.exit_code == 1
    assert "SAT test certificate" in refused.output
