"""Marks: how a room says that objects have changed, in the transaction that changes them."""

from collections.abc import Iterable

from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope
from timbra.platform.search import store


def changed(tx: Tx, scope: TeamScope, kind: str, object_ids: Iterable[str]) -> None:
    """The index will hold these objects as they are when ``tx`` commits, or forget those that are gone."""
    marks = [(new_id("mark"), object_id) for object_id in object_ids]
    if marks:
        store.mark(tx, scope, kind, marks)
