"""The client inside the body of a document (contract clients.md section 7), and the Receptor it becomes."""

from functools import partial
from typing import Annotated, Any

from pydantic import model_validator

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.codes import GENERIC_REGIME, NO_EFFECTS_USE
from timbra.cfdi.model import Receiver
from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC, name_on_cfdi
from timbra.clients import store
from timbra.clients.create import add, find_or_create, no_match, only_match, value_path
from timbra.clients.model import NAMING_FIELDS, Client
from timbra.clients.schemas import FoundClientFields
from timbra.clients.screening import NOT_LOADED, Screening
from timbra.clients.update import refuse_problems
from timbra.http.caller import Caller
from timbra.http.errors import NotFound
from timbra.http.fields import Text, refuse
from timbra.platform.db import Database, Tx


class ClientReference(FoundClientFields):
    """Either an id, whose other keys override this document's copy only, or data with or without ``search``."""

    id: Annotated[str | None, Text(max=160)] = None

    @model_validator(mode="before")
    @classmethod
    def _id_makes_search_void(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("id"), str) and data["id"].strip():
            return {name: value for name, value in data.items() if name != "search"}
        return data

    @model_validator(mode="after")
    def _names_a_client(self) -> "ClientReference":
        if self.id is None and self.search is None and not any(getattr(self, name) for name in NAMING_FIELDS):
            raise refuse("required", "is required: send an id, or data such as legal_name and tax_id")
        return self


async def resolve(
    database: Database,
    caller: Caller,
    reference: ClientReference,
    *,
    catalogs: Catalogs,
    at_ms: int,
    screening: Screening = NOT_LOADED,
    path: str = "client",
) -> Client:
    """The client that the document means, as this document shall print it.

    One reading unit when the client exists; one writing unit more when it is made or changed, with event and audit row.
    path: of the reference in the request. Raises NotFound (``client.id: not found``), Conflict (several matches), Invalid.
    """
    known = await database.look(partial(_look_up, caller, reference, path))
    if known is None:
        write = partial(_write, caller, reference, catalogs, screening, at_ms, path)
        return await database.write(write)
    if reference.id is None:
        return known
    overridden = known.changed(reference.changes())
    if overridden != known:
        refuse_problems(overridden, path)
    return overridden


def _look_up(caller: Caller, reference: ClientReference, path: str, tx: Tx) -> Client | None:
    """The client that needs no writing; None when one has to be made or changed."""
    scope = caller.scope
    if reference.id is not None:
        client = store.get(tx, scope, reference.id)
        if client is None:
            raise NotFound.at(f"{path}.id")
        return client
    search = reference.search
    if search is None:
        return _same(tx, caller, reference)
    value = reference.search_value
    assert value is not None, "the schema asks for a value"
    found = only_match(tx, scope, search.on_key, value, value_path(path))
    if found is None and not search.auto_create:
        raise no_match(path)
    return None if search.update else found


def _same(tx: Tx, caller: Caller, reference: ClientReference) -> Client | None:
    if reference.tax_id is None and reference.email is None:
        return None
    return store.oldest_with(tx, caller.scope, reference.tax_id, reference.email)


def _write(
    caller: Caller,
    reference: ClientReference,
    catalogs: Catalogs,
    screening: Screening,
    at_ms: int,
    path: str,
    tx: Tx,
) -> Client:
    if reference.search is not None:
        outcome = find_or_create(
            tx,
            caller,
            reference,
            reference.search,
            origin="inline",
            catalogs=catalogs,
            at_ms=at_ms,
            screening=screening,
            path=path,
        )
        return outcome.client
    if reference.tax_id is not None or reference.email is not None:
        identity = f"{reference.tax_id or ''} {reference.email or ''}"
        store.hold(tx, caller.scope, "identity", identity)
        same = _same(tx, caller, reference)
        if same is not None:
            return same
    changes = reference.changes()
    return add(tx, caller, changes, origin="inline", catalogs=catalogs, at_ms=at_ms, screening=screening, path=path)


def receiver(client: Client, *, issuer_zip: str, keep_full_legal_name: bool, use: str) -> Receiver:
    """The Receptor of an invoiceable client.

    Generic RFCs get regime 616, use S01 and the issuer's postal code; a client of another country gets XEXX010101000.
    use: what the document asks for. keep_full_legal_name: the team's setting; the client's own wins.
    Source: contract clients.md sections 4 and 6, invoices.md 4.1; CFDI40149, CFDI40159.
    """
    rfc = FOREIGN_RFC if client.is_foreign else client.tax_id
    assert rfc is not None, "invoiceable clients have an RFC"
    own = client.defaults["keep_full_legal_name"]
    name = name_on_cfdi(client.legal_name, rfc, keep_full_legal_name if own is None else own)
    assert name, "invoiceable clients have a name"
    if rfc in (GENERIC_RFC, FOREIGN_RFC):
        return Receiver(rfc=rfc, name=name, zip=issuer_zip, regime=GENERIC_REGIME, use=NO_EFFECTS_USE)
    assert client.address.zip is not None, "invoiceable clients have a postal code"
    assert client.tax_system is not None, "invoiceable clients have a regime"
    return Receiver(rfc=rfc, name=name, zip=client.address.zip, regime=client.tax_system, use=use)
