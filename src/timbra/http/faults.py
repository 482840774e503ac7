"""Foreign exceptions as errors of ours; the single place where an unexpected one becomes a constant 500."""

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from timbra.http.errors import ApiError, ErrorCode, InvalidBody, MethodNotAllowed, NotFound, ServerFault, Unavailable
from timbra.platform.db import DatabaseUnavailable

log = structlog.get_logger(__name__)


def as_api_error(error: Exception) -> ApiError:
    """What the caller is told. Faults of ours are in the log with their cause, the reply has a constant text."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, DatabaseUnavailable | PoolTimeout):
        log.error("database_unavailable", error=type(error).__name__)
        return Unavailable()
    log.error("unexpected_error", error=type(error).__name__, exc_info=error)
    if isinstance(error, IntegrityError):
        return ServerFault(code=ErrorCode.DATA_INTEGRITY_ERROR)
    if isinstance(error, SQLAlchemyError):
        return ServerFault(code=ErrorCode.DATABASE_ERROR)
    return ServerFault()


def _of_framework(error: HTTPException) -> ApiError:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return MethodNotAllowed((error.headers or {}).get("Allow", "").split(", "))
    if error.status_code < 500:
        return InvalidBody("The request is malformed")
    return ServerFault()
