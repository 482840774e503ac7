"""Refusals and faults as HTTP sees them: one tree, one enum of codes, one body shape. Nothing else builds error bodies.

    ApiError                        code, status, message, fields, details, extra members, headers
    ├── Unauthorized          401   no credential
    ├── InvalidToken          401   credential of no use; one text for every cause
    ├── Forbidden             403   the team is not active
    ├── InsufficientPermissions 403 role, scope or Connect
    ├── OperationNotAllowed   403   never possible for this kind of object
    │   └── MethodNotAllowed  405   with Allow
    ├── InvalidBody           400   not JSON, not an object, wrong media type
    │   └── BodyTooLarge      413
    ├── Invalid               400   fields; the code follows from them
    ├── BusinessRule          400
    ├── InvalidFile           400
    ├── UploadFailed          400, 413
    ├── NotFound              404
    │   └── FileNotFound      404
    ├── AlreadyExists         409
    ├── Conflict              409
    ├── CfdiRefused           422, 502   extra member ``cfdi``
    ├── RateLimited           429   with Retry-After
    ├── ServerFault           500   constant text
    ├── ExternalFailure       502
    └── Unavailable           503   with Retry-After

Domains declare subclasses beside the code that raises them: ``code``, ``status`` and a message are all they add.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_PROBLEMS = 50


class ErrorCode(StrEnum):
    """Every ``error.code`` of the API."""

    UNAUTHORIZED = "unauthorized"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 (a code, not a secret)
    FORBIDDEN = "forbidden"
    INSUFFICIENT_PERMISSIONS = "insufficient_permissions"
    OPERATION_NOT_ALLOWED = "operation_not_allowed"
    INVALID_REQUEST_BODY = "invalid_request_body"
    MISSING_REQUIRED_FIELD = "missing_required_field"
    INVALID_FIELD_VALUE = "invalid_field_value"
    VALIDATION_FAILED = "validation_failed"
    BUSINESS_RULE_VIOLATION = "business_rule_violation"
    INVALID_FILE_FORMAT = "invalid_file_format"
    FILE_UPLOAD_ERROR = "file_upload_error"
    RESOURCE_NOT_FOUND = "resource_not_found"
    FILE_NOT_FOUND = "file_not_found"
    RESOURCE_ALREADY_EXISTS = "resource_already_exists"
    RESOURCE_CONFLICT = "resource_conflict"
    CFDI_SERVICE_ERROR = "cfdi_service_error"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    INTERNAL_SERVER_ERROR = "internal_server_error"
    DATABASE_ERROR = "database_error"
    DATA_INTEGRITY_ERROR = "data_integrity_error"
    EXTERNAL_SERVICE_ERROR = "external_service_error"
    PAYMENT_PROCESSOR_ERROR = "payment_processor_error"
    SERVICE_UNAVAILABLE = "service_unavailable"

    @property
    def status(self) -> int:
        """The HTTP status this code has unless an error says otherwise."""
        return _STATUS.get(self, 400)


_STATUS = {
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.INVALID_TOKEN: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.INSUFFICIENT_PERMISSIONS: 403,
    ErrorCode.OPERATION_NOT_ALLOWED: 403,
    ErrorCode.RESOURCE_NOT_FOUND: 404,
    ErrorCode.FILE_NOT_FOUND: 404,
    ErrorCode.RESOURCE_ALREADY_EXISTS: 409,
    ErrorCode.RESOURCE_CONFLICT: 409,
    ErrorCode.CFDI_SERVICE_ERROR: 422,
    ErrorCode.RATE_LIMIT_EXCEEDED: 429,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
    ErrorCode.DATABASE_ERROR: 500,
    ErrorCode.DATA_INTEGRITY_ERROR: 500,
    ErrorCode.EXTERNAL_SERVICE_ERROR: 502,
    ErrorCode.PAYMENT_PROCESSOR_ERROR: 502,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One problem of a request. ``fix`` is a value that would be accepted at ``path``, None when none can be proposed.

    code: ``required type enum format min max min_length max_length min_items max_items not_in_catalog not_allowed
    not_found immutable conflict checksum duplicate``, or a code of the SAT matrix.
    """

    path: str
    code: str
    message: str
    fix: Any = None

    @property
    def text(self) -> str:
        """The line of ``error.details``."""
        return f"{self.path}: {self.message}"


class ApiError(Exception):
    """A reply that says no. Raise a subclass; the message is English and safe to show."""

    code: ErrorCode = ErrorCode.INTERNAL_SERVER_ERROR
    status: int | None = None
    message: str = "The server failed to answer this request"

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Sequence[FieldError] = (),
        details: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
        beside: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        code: ErrorCode | None = None,
        status: int | None = None,
    ) -> None:
        """``extra``: further members of ``error`` (``cfdi``, ``invoice``); ``beside``: members next to ``error``."""
        self.message = message or type(self).message
        super().__init__(self.message)
        self.code = code or type(self).code
        self.status = status or type(self).status or self.code.status
        self.fields = tuple(fields)[:MAX_PROBLEMS]
        self.details = list(details)[:MAX_PROBLEMS] or [problem.text for problem in self.fields]
        self.extra = dict(extra or {})
        self.beside = dict(beside or {})
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """The error envelope."""
        fields = [{"path": f.path, "code": f.code, "message": f.message, "fix": f.fix} for f in self.fields]
        error = {"code": self.code.value, "message": self.message, "details": self.details, "fields": fields}
        return {
            "success": False,
            "message": self.message,
            "error": error | self.extra,
            "request_id": request_id,
        } | self.beside


class Unauthorized(ApiError):
    code = ErrorCode.UNAUTHORIZED
    message = "The Authorization header is missing"


class InvalidToken(ApiError):
    code = ErrorCode.INVALID_TOKEN
    message = "The API key is not valid"


class Forbidden(ApiError):
    code = ErrorCode.FORBIDDEN
    message = "The team is not active"


class InsufficientPermissions(ApiError):
    code = ErrorCode.INSUFFICIENT_PERMISSIONS
    message = "The API key may not do this"


class OperationNotAllowed(ApiError):
    code = ErrorCode.OPERATION_NOT_ALLOWED
    message = "This operation is not possible"


class MethodNotAllowed(OperationNotAllowed):
    status = 405
    message = "This path does not take this method"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(headers={"Allow": ", ".join(allowed)})


class InvalidBody(ApiError):
    code = ErrorCode.INVALID_REQUEST_BODY
    message = "The request body is not a JSON object"


class BodyTooLarge(InvalidBody):
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes")


class Invalid(ApiError):
    """Problems of the request's fields, all of them; the code says whether they are absent, bad, or both."""

    def __init__(self, problems: Sequence[FieldError], *, extra: Mapping[str, Any] | None = None) -> None:
        assert problems, "a refusal names its fields"
        message = problems[0].text if len(problems) == 1 else f"The request has {len(problems)} invalid fields"
        super().__init__(message, fields=problems, code=_code_of(problems), extra=extra)


def _code_of(problems: Sequence[FieldError]) -> ErrorCode:
    absent = sum(problem.code == "required" for problem in problems)
    if absent == len(problems):
        return ErrorCode.MISSING_REQUIRED_FIELD
    return ErrorCode.VALIDATION_FAILED if absent else ErrorCode.INVALID_FIELD_VALUE


class BusinessRule(ApiError):
    code = ErrorCode.BUSINESS_RULE_VIOLATION
    message = "A rule forbids this"


class InvalidFile(ApiError):
    code = ErrorCode.INVALID_FILE_FORMAT
    message = "The file cannot be read"


class UploadFailed(ApiError):
    code = ErrorCode.FILE_UPLOAD_ERROR
    message = "The upload is empty or cut"


class NotFound(ApiError):
    code = ErrorCode.RESOURCE_NOT_FOUND
    message = "Not found"

    @classmethod
    def at(cls, path: str) -> "NotFound":
        """An object that the request names at ``path`` does not exist."""
        return cls(f"{path}: not found", fields=[FieldError(path, "not_found", "not found")])


class FileNotFound(NotFound):
    code = ErrorCode.FILE_NOT_FOUND
    message = "The file does not exist or its link has expired"


class AlreadyExists(ApiError):
    code = ErrorCode.RESOURCE_ALREADY_EXISTS
    message = "It exists already"


class Conflict(ApiError):
    code = ErrorCode.RESOURCE_CONFLICT
    message = "The state of the object does not allow this"


class CfdiRefused(ApiError):
    """SAT or the PAC refused the document."""

    code = ErrorCode.CFDI_SERVICE_ERROR
    message = "SAT refused the document"


class RateLimited(ApiError):
    code = ErrorCode.RATE_LIMIT_EXCEEDED
    message = "Too many requests"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(headers={"Retry-After": str(max(1, retry_after_s))})


class ServerFault(ApiError):
    """A fault of ours: the text is constant, the cause is in the log under the request id."""


class ExternalFailure(ApiError):
    code = ErrorCode.EXTERNAL_SERVICE_ERROR
    message = "Another service failed"


class Unavailable(ApiError):
    code = ErrorCode.SERVICE_UNAVAILABLE
    message = "The service is not available; try again later"

    def __init__(self, message: str | None = None, *, retry_after_s: int = 5, **members: Any) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_s)}, **members)
