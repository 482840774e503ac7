"""The ``timbra`` command."""

from timbra.cli.commands import app


def main() -> None:
    """Runs the command that the arguments name."""
    app()
