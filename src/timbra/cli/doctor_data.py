"""``timbra doctor`` on uploaded files and on SAT's lists."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url

from timbra.platform import migrate
from timbra.platform.config import Settings
from timbra.platform.db import Database, DatabaseUnavailable
from timbra.sat_lists import store, sync
from timbra.sat_lists.lists import LISTS

Finding = tuple[Literal["ok", "note", "bad"], str, str, str]
"""State, subject, what is said, what helps."""


def files(found: Settings) -> Iterator[Finding]:
    """Where uploaded files are; a bucket is not called."""
    url = urlsplit(found.storage_url)
    if url.scheme == "s3":
        yield "ok", "files", f"in the bucket {url.hostname}{url.path}; whether it answers shows with the first file", ""
        return
    folder = Path(unquote(url.path) if url.scheme else found.storage_url).resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        yield "bad", "files", f"{nearest} cannot be written", "set TIMBRA_STORAGE or change its owner"
    else:
        yield "ok", "files", f"{folder}" + ("" if folder.exists() else " will be made at the first start"), ""


def sat_lists(found: Settings) -> Iterator[Finding]:
    """Which of SAT's lists are held."""
    try:
        sync.sources_of_setting(found.sat_list_sources)
    except sync.UnknownList as error:
        yield "bad", "SAT lists", f"TIMBRA_SAT_LIST_SOURCES names {error}", "correct the name"
        return
    loaded = _loaded(found)
    if loaded is None:
        return
    if len(loaded) < len(LISTS):
        said = f"{len(loaded)} of {len(LISTS)} were ever loaded: clients are not compared with the others"
        yield "note", "SAT lists", said, "run `timbra lists sync`, or `timbra lists load` with files of your own"
    else:
        yield "ok", "SAT lists", f"{len(LISTS)} loaded", ""


def _loaded(found: Settings) -> frozenset[str] | None:
    """None when there is no database of this release to ask; that is told elsewhere."""
    if found.is_embedded and not Path(make_url(found.url).database or "").exists():
        return None
    database = Database(found.url)
    try:
        return database.read_sync(store.loaded) if migrate.is_current(database) else None
    except (DatabaseUnavailable, migrate.DatabaseNewer):
        return None
    finally:
        database.close()
