"""XML that callers hand over: judged before anything is durable, so that a refusal costs neither folio nor row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from timbra.cfdi.complements import ComplementRefused, check_addenda, check_namespaces, parse_custom
from timbra.cfdi.model import Namespace
from timbra.http.errors import FieldError, Invalid


def check(
    namespaces: Sequence[Namespace], lines: Sequence[str | None], complements: Sequence[str], addenda: str | None
) -> None:
    """Raises Invalid unless every fragment can be placed in a document that declares ``namespaces`` on its root.

    lines: the complement of each line; complements: those of the document.
    """
    problems: list[FieldError] = []
    with _reported(problems, "namespaces"):
        check_namespaces(namespaces)
    if not problems:
        _check_fragments(namespaces, lines, complements, addenda, problems)
    if problems:
        raise Invalid(problems)


def _check_fragments(
    namespaces: Sequence[Namespace],
    lines: Sequence[str | None],
    complements: Sequence[str],
    addenda: str | None,
    problems: list[FieldError],
) -> None:
    for at, complement in enumerate(lines):
        if complement is not None:
            with _reported(problems, f"items[{at}].complement"):
                parse_custom(complement, namespaces)
    for at, complement in enumerate(complements):
        with _reported(problems, f"complements[{at}].data"):
            parse_custom(complement, namespaces)
    if addenda is not None:
        with _reported(problems, "addenda"):
            check_addenda(addenda, namespaces)


@contextmanager
def _reported(problems: list[FieldError], path: str) -> Iterator[None]:
    try:
        yield
    except ComplementRefused as refusal:
        problems.append(FieldError(path, "format", str(refusal)))
