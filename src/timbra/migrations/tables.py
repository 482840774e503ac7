"""Every table of the server, in ``platform.db.metadata``: importing this module defines them all."""

import importlib
import pkgutil

import timbra
from timbra.platform import audit, events, jobs, locks, mail, team_clock, vault_rotate
from timbra.platform.db import metadata

__all__ = ["audit", "events", "jobs", "locks", "mail", "metadata", "team_clock", "vault_rotate"]

# A room keeps its tables in a module of that name (rule R4), so a new room cannot be forgotten here.
for _module in pkgutil.walk_packages(timbra.__path__, "timbra."):
    if _module.name.rpartition(".")[2] == "tables" and _module.name != __name__:
        importlib.import_module(_module.name)
