"""The OpenAPI 3.1 document, made from the same declarations that the pipeline runs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from timbra.http.errors import ErrorCode
from timbra.http.fields import Rule
from timbra.http.query import BOUNDS
from timbra.http.routing import Operation

_REF = "#/components/schemas/{model}"
_ERRORS = {
    "400": (
        "The request has invalid fields or breaks a rule",
        ErrorCode.INVALID_FIELD_VALUE,
        "limit: must be at most 100",
    ),
    "401": ("No valid API key", ErrorCode.INVALID_TOKEN, "The API key is not valid"),
    "403": ("Not allowed", ErrorCode.INSUFFICIENT_PERMISSIONS, "The API key may not do this"),
    "404": ("Not found", ErrorCode.RESOURCE_NOT_FOUND, "Not found"),
    "409": ("Conflict", ErrorCode.RESOURCE_CONFLICT, "idempotency_key: was used with a different request"),
    "413": ("Too large", ErrorCode.INVALID_REQUEST_BODY, "The request body is larger than 1048576 bytes"),
    "422": (
        "Refused by SAT or the PAC",
        ErrorCode.CFDI_SERVICE_ERROR,
        "CFDI40147: receiver zip not in the SAT register",
    ),
    "429": ("Too many requests", ErrorCode.RATE_LIMIT_EXCEEDED, "Too many requests"),
    "500": ("Fault of the server", ErrorCode.INTERNAL_SERVER_ERROR, "The server failed to answer this request"),
    "502": ("Another service failed", ErrorCode.CFDI_SERVICE_ERROR, "The PAC failed for good"),
    "503": (
        "Not available, try again later",
        ErrorCode.SERVICE_UNAVAILABLE,
        "The service is not available; try again later",
    ),
}
_RETRIED = ("429", "503")
_REQUEST_ID = {"description": "the id of the request in the server's logs", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "seconds to wait", "schema": {"type": "integer"}}
_TEAM = {
    "name": "team",
    "in": "query",
    "description": "the team to act on (Connect); default: the key's own",
    "schema": {"type": "string"},
}
_PARTNER = {
    "name": "X-Internal-API-Key",
    "in": "header",
    "description": "the partner's key",
    "schema": {"type": "string"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "a repeat with the same key gets the same answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(operations: Sequence[tuple[str, Operation]], *, title: str, version: str, server: str) -> dict[str, Any]:
    """The whole document. ``operations``: full path and declaration, as ``RouteTable.operations`` has them."""
    models = {operation.body_model for _, operation in operations} - {None}
    ordered = sorted(models, key=lambda model: f"{model.__module__}.{model.__qualname__}")  # type: ignore[union-attr]
    refs, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)  # type: ignore[misc]
    schemas = {model: schema for (model, _), schema in refs.items()}
    paths: dict[str, dict[str, Any]] = {}
    for path, operation in operations:
        paths.setdefault(path, {})[operation.method.lower()] = _operation(path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": _error_schema(), "CfdiError": _cfdi_schema()},
            "responses": {status: _error_response(status) for status in _ERRORS},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(path: str, operation: Operation, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    words = (operation.handler.__doc__ or operation.message).strip().splitlines()
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{path}").strip("_"),
        "summary": words[0].rstrip("."),
        "tags": [operation.tag],
        "parameters": _parameters(path, operation),
        "responses": _responses(operation),
    }
    if len(words) > 1:
        found["description"] = "\n".join(line.strip() for line in words[1:]).strip()
    if operation.body_model is not None:
        content: dict[str, Any] = {"schema": schemas[operation.body_model]}
        if operation.example is not None:
            content["example"] = operation.example
        found["requestBody"] = {"content": {"application/json": content}}
    elif operation.uploads:
        found["requestBody"] = {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}
    if operation.public:
        found["security"] = []
    return found


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", path):
        shape = (
            {"type": "string"}
            if name in operation.free_params
            else {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,160}$"}
        )
        found.append({"name": name, "in": "path", "required": True, "schema": shape})
    if not operation.public:
        found.append(_TEAM)
    if operation.gate is not None:
        found.append(_PARTNER)
    if operation.lists:
        found += _list_parameters(operation)
    found += [_query(name, rule) for name, rule in operation.filters.items()]
    found += [_query(name, rule) | {"required": name in operation.needs} for name, rule in operation.reads.items()]
    if operation.claims:
        found.append(_KEY)
    return found


def _list_parameters(operation: Operation) -> list[dict[str, Any]]:
    shapes: dict[str, dict[str, Any]] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        "next": {"type": "string", "maxLength": 512},
        "page": {"type": "integer", "minimum": 1},
        "order_by": {"type": "string", "enum": list(operation.orders), "default": "timestamp"},
        "sort": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
        **{f"created[{bound}]": {"type": "integer"} for bound in BOUNDS},
    }
    return [{"name": name, "in": "query", "schema": shape} for name, shape in shapes.items()]


def _query(name: str, rule: Rule) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": rule.json_schema()}


def _responses(operation: Operation) -> dict[str, Any]:
    content = (
        _json(_success_schema(operation))
        if operation.produces == "application/json"
        else {operation.produces: {"schema": {"type": "string", "format": "binary"}}}
    )
    successes = {
        str(status): {"description": operation.message, "headers": {"X-Request-Id": _REQUEST_ID}, "content": content}
        for status in sorted({operation.success, *operation.also})
    }
    errors = {
        status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS if _can_answer(operation, status)
    }
    return successes | errors


def _can_answer(operation: Operation, status: str) -> bool:
    match status:
        case "401" | "403":
            return not operation.public or operation.gate is not None
        case "413":
            return operation.method != "GET"
        case "422":
            return operation.bucket == "stamp"
        case "502":
            return operation.bucket == "stamp" or operation.asks_outside
    return True


def _error_response(status: str) -> dict[str, Any]:
    description, code, message = _ERRORS[status]
    example = {
        "success": False,
        "message": message,
        "error": {"code": code.value, "message": message, "details": [], "fields": []},
        "request_id": "req_01K9ZC3T5Q8W2V7N4M6B1X0RJD",
    }
    headers = {"X-Request-Id": _REQUEST_ID} | ({"Retry-After": _RETRY_AFTER} if status in _RETRIED else {})
    content = {"application/json": {"schema": {"$ref": _REF.format(model="Error")}, "example": example}}
    return {"description": description, "headers": headers, "content": content}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _success_schema(operation: Operation) -> dict[str, Any]:
    members: dict[str, Any] = {"success": {"const": True}, "message": {"type": "string"}, "data": {}}
    if operation.lists:
        members |= {
            "data": {"type": "array", "items": {"type": "object"}},
            "next": {"type": ["string", "null"]},
            "has_more": {"type": "boolean"},
            "total_results": {"type": "integer"},
        }
    return {"type": "object", "properties": members, "required": list(members)}


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    one = {"path": text, "code": text, "message": text, "fix": {"description": "a value that would be accepted"}}
    members = {
        "code": {"type": "string", "enum": [code.value for code in ErrorCode]},
        "message": text,
        "details": {"type": "array", "items": text},
        "fields": {"type": "array", "items": {"type": "object", "properties": one, "required": list(one)}},
        "cfdi": {"$ref": _REF.format(model="CfdiError")},
    }
    required = [name for name in members if name != "cfdi"]
    envelope = {
        "success": {"const": False},
        "message": text,
        "error": {"type": "object", "properties": members, "required": required},
        "request_id": text,
    }
    return {"type": "object", "properties": envelope, "required": list(envelope)}


def _cfdi_schema() -> dict[str, Any]:
    """Why SAT or the PAC refused: with ``cfdi_service_error``, and with fields that break a rule of SAT's matrix."""
    maybe = {"type": ["string", "null"]}
    members = {"code": {"type": "string"}, "message": maybe, "explanation": maybe, "solution": maybe}
    return {"type": "object", "properties": members, "required": list(members)}
