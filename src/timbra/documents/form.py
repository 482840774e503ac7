"""The form of an upload: every problem of its parts is told at once, the file is judged by its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field

from timbra.documents.model import DESCRIPTION_MAX, DOCUMENT_TYPES, NAME_MAX, media_type_of, safe_file_name
from timbra.http import body as bodies
from timbra.http.body import Command
from timbra.http.errors import FieldError, Invalid, InvalidFile, UploadFailed
from timbra.http.fields import Choice, Text
from timbra.http.multipart import FILE_LIMIT_BYTES, Upload
from timbra.platform.scope import TeamScope

FILE: Final = "file"
_MODES: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


class DocumentFields(Command):
    """The text parts."""

    document_type: Annotated[str, Choice(*DOCUMENT_TYPES)] = Field(
        validation_alias=AliasChoices("documentType", "document_type")
    )
    name: Annotated[str | None, Text(max=NAME_MAX)] = None
    description: Annotated[str | None, Text(max=DESCRIPTION_MAX, multiline=True)] = None


@dataclass(frozen=True, slots=True)
class DocumentForm:
    """A form that may be stored."""

    fields: DocumentFields
    content: bytes
    mime_type: str
    file_name: str

    @property
    def name(self) -> str:
        """As given, else the name of the file."""
        return self.fields.name or self.file_name


def read(form: Upload, scope: TeamScope) -> DocumentForm:
    """The checked form. Raises Invalid, UploadFailed, InvalidFile."""
    problems: list[FieldError] = []
    fields = None
    try:
        fields = bodies.validate(DocumentFields, _typed(form.fields), scope)
    except Invalid as refused:
        problems.extend(refused.fields)
    if FILE not in form.files:
        problems.insert(0, FieldError(FILE, "required", "is required"))
    elif len(form.file_parts) > 1:
        problems.insert(0, FieldError(FILE, "max_items", "exactly one file is taken"))
    if problems or fields is None:
        raise Invalid(problems)
    sent = form.files[FILE]
    mime_type = _judged(sent.content)
    return DocumentForm(fields, sent.content, mime_type, safe_file_name(sent.name, mime_type))


def _judged(content: bytes) -> str:
    if not content:
        raise UploadFailed("file: is empty", fields=[FieldError(FILE, "min_length", "is empty")])
    if len(content) > FILE_LIMIT_BYTES:
        message = f"is larger than {FILE_LIMIT_BYTES // 1024**2} MiB"
        raise UploadFailed(f"file: {message}", fields=[FieldError(FILE, "max_length", message)], status=413)
    mime_type = media_type_of(content)
    if mime_type is None:
        message = "is no PDF, PNG, JPEG or WEBP, whatever its name says"
        raise InvalidFile(f"file: {message}", fields=[FieldError(FILE, "format", message)])
    return mime_type


def _typed(fields: Mapping[str, str]) -> dict[str, Any]:
    """A form has texts only: its booleans are ``true false 1 0``."""
    modes = ("livemode", "expected_livemode")
    return {name: _MODES.get(text.lower(), text) if name in modes else text for name, text in fields.items()}
