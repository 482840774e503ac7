"""XML that callers hand over: judged before anything is durable, so that a refusal costs neither folio nor row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from timbra.cfdi.complements import ComplementRefused, check_addenda, check_namespaces, parse_custom
from timbra.cfdi.model import Namespace
from timbra.cfdi.schema import Schemas
from timbra.http.errors import FieldError, Invalid


def check(
    namespaces: Sequence[Namespace],
    lines: Sequence[str | None],
    complements: Sequence[str],
    addenda: str | None,
    schemas: Schemas,
) -> None:
    """Raises Invalid unless every fragment can be placed in a document that declares ``namespaces`` on its root.

    lines: the complement of each line; complements: those of the document. A complement of SAT follows its schema.
    """
    problems: list[FieldError] = []
    with _reported(problems, "namespaces"):
        check_namespaces(namespaces)
    if not problems:
        _check_complements(namespaces, lines, complements, schemas, problems)
        if addenda is not None:
            with _reported(problems, "addenda"):
                check_addenda(addenda, namespaces)
    if problems:
        raise Invalid(problems)


def _check_complements(
    namespaces: Sequence[Namespace],
    lines: Sequence[str | None],
    complements: Sequence[str],
    schemas: Schemas,
    problems: list[FieldError],
) -> None:
    given = [(f"items[{at}].complement", xml) for at, xml in enumerate(lines) if xml is not None]
    given += [(f"complements[{at}].data", xml) for at, xml in enumerate(complements)]
    for path, xml in given:
        with _reported(problems, path):
            faults = schemas.validate_part(parse_custom(xml, namespaces))
            if faults:
                raise ComplementRefused(f"does not follow SAT's schema: {faults[0]}")


@contextmanager
def _reported(problems: list[FieldError], path: str) -> Iterator[None]:
    try:
        yield
    except ComplementRefused as refusal:
        problems.append(FieldError(path, "format", str(refusal)))
