"""Commands run in the test's own process."""

from collections.abc import Callable

from typer.testing import Result

Timbra = Callable[..., Result]
