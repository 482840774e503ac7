"""Request bodies: bytes from the wire within a limit, a JSON object out of them, and a checked command out of that.

A body model derives from ``Command``. Optional fields are ``X | None = None`` (null clears: it is in
``model_fields_set``) or have another default (null means absent, the default counts). ``validate`` reports every
problem at once. Unknown fields are ignored.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from starlette.types import Receive, Scope

from timbra.http.errors import BodyTooLarge, FieldError, Invalid, InvalidBody, UploadFailed
from timbra.platform import json
from timbra.platform.scope import TeamScope

JSON_LIMIT_BYTES = 1024 * 1024

_SHAPE_CODES = {
    "missing": ("required", "is required"),
    "string_type": ("type", "must be text"),
    "int_type": ("type", "must be a whole number"),
    "bool_type": ("type", "must be true or false"),
    "list_type": ("type", "must be an array"),
    "dict_type": ("type", "must be an object"),
    "model_type": ("type", "must be an object"),
    "model_attributes_type": ("type", "must be an object"),
    "extra_forbidden": ("not_allowed", "is not allowed here"),
    "literal_error": ("enum", "must be {expected}"),
    "enum": ("enum", "must be {expected}"),
    "too_long": ("max_items", "must have at most {max_length} elements"),
    "too_short": ("min_items", "must have at least {min_length} elements"),
    "string_too_long": ("max_length", "must have at most {max_length} characters"),
    "string_too_short": ("min_length", "must have at least {min_length} characters"),
    "string_pattern_mismatch": ("format", "has a wrong form"),
    "greater_than": ("min", "must be greater than {gt}"),
    "greater_than_equal": ("min", "must be at least {ge}"),
    "less_than": ("max", "must be less than {lt}"),
    "less_than_equal": ("max", "must be at most {le}"),
}


class Command(BaseModel):
    """The base of every request body: frozen, ignores what it does not know, reads blanks and nulls as the contract."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _blanks_are_null(cls, data: Any) -> Any:
        if type(data) is not dict or not any(map(_is_blank, data.values())):
            return data
        fields = _fields_by_input(cls)
        return {key: None if _is_blank(value) else value for key, value in data.items() if _stays(fields, key, value)}


def _is_blank(value: Any) -> bool:
    return value is None or (type(value) is str and not value.strip())


def _stays(fields: Mapping[str, FieldInfo], key: str, value: Any) -> bool:
    if not _is_blank(value) or key not in fields:
        return True
    return fields[key].is_required() or _is_nullable(fields[key].annotation)


def _is_nullable(annotation: Any) -> bool:
    if annotation is Any:
        return True
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


@lru_cache(maxsize=1024)
def _fields_by_input(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    names: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias or name
        for spelling in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            names[str(spelling)] = field
    return names


CommandT = TypeVar("CommandT", bound=Command)


async def read_raw(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """The body's bytes. Raises BodyTooLarge, before reading when the length is declared."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UploadFailed("The request ended before its body did")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse_object(raw: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a body, ``{}`` for a blank one. Raises InvalidBody."""
    kind = content_type.strip().lower()
    if kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
        raise InvalidBody("This endpoint takes JSON, not a form")
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except json.JsonRefused as error:
        raise InvalidBody(f"The request body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidBody
    return value


def validate(
    model: type[CommandT], data: Mapping[str, Any], scope: TeamScope | None, *, mode_is_free: bool = False
) -> CommandT:
    """The checked command. Raises Invalid with every problem.

    ``scope``: the caller's; a body ``team``, ``livemode`` or ``expected_livemode`` must agree with it.
    ``mode_is_free``: the two endpoints whose ``livemode`` is a choice.
    """
    problems = scope_problems(data, scope, mode_is_free=mode_is_free) if scope is not None else []
    try:
        command = model.model_validate(data)
    except ValidationError as error:
        raise Invalid(problems_of(error) + problems) from None
    if problems:
        raise Invalid(problems)
    return command


def scope_problems(data: Mapping[str, Any], scope: TeamScope, *, mode_is_free: bool = False) -> list[FieldError]:
    """What a body says about team and mode that is not the caller's."""
    problems = []
    team = data.get("team")
    if not _is_blank(team) and team != scope.team_id:
        problems.append(FieldError("team", "conflict", "must equal the effective team", scope.team_id))
    for name in () if mode_is_free else ("livemode", "expected_livemode"):
        mode = data.get(name)
        if not _is_blank(mode) and mode is not scope.livemode:
            problems.append(FieldError(name, "conflict", "must equal the mode of the API key", scope.livemode))
    return problems


def problems_of(error: ValidationError) -> list[FieldError]:
    """Each pydantic complaint as a field error, in the order of the fields."""
    return [_problem(detail) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails) -> FieldError:
    context = detail.get("ctx", {})
    location = detail["loc"]
    if "reason" in context:
        code, message = detail["type"], context["reason"]
        if context.get("path"):
            location = (*location, context["path"])
    else:
        code, template = _SHAPE_CODES.get(detail["type"], ("format", "has a wrong form"))
        message = template.format(**context)
    if detail["input"] is None and code == "type":
        is_element = bool(location) and isinstance(location[-1], int)
        code, message = ("type", "must not be null") if is_element else ("required", "is required")
    return FieldError(path_of(location), code, message, context.get("fix"))


def path_of(location: Sequence[str | int]) -> str:
    """``("items", 0, "taxes", 1, "rate")`` as ``items[0].taxes[1].rate``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
