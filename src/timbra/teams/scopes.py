"""Scopes of API keys (contract auth.md section 6): which exist, and which include which."""

from collections.abc import Iterable

from timbra.http.caller import AREAS_OUTSIDE_READ

ALL = "*"
READ = "read"
AREAS = ("clients", "services", "invoices", "payments", "receipts", "sat", "webhooks", "teams", "users", "keys")
KNOWN = (ALL, READ, "connect", *(f"{area}:{verb}" for area in AREAS for verb in ("read", "write")))


def covers(held: frozenset[str], wanted: Iterable[str]) -> bool:
    """Whether a key with the scopes ``held`` may hand out, or end, a key with ``wanted``."""
    return all(_has(held, scope) for scope in wanted)


def _has(held: frozenset[str], scope: str) -> bool:
    if ALL in held or scope in held:
        return True
    area, _, verb = scope.partition(":")
    if verb != "read":
        return False
    return f"{area}:write" in held or (READ in held and area not in AREAS_OUTSIDE_READ)
