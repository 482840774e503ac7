"""What the verbs of this room work with; ``wiring`` puts it together once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from timbra.cfdi.pdf.letter import Letters
from timbra.credentials.csd import Signers
from timbra.credentials.trust import Trust
from timbra.http.signed_urls import FileLinks
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.mail import Outbox
from timbra.platform.scope import TeamScope
from timbra.platform.vault import Opener


@dataclass(frozen=True, slots=True)
class CredentialParts:
    """``show_team``: the team as the API shows it, for events; ``pac_name``: who stamps for the mode (live or not)."""

    database: Database
    clock: Clock
    trust: Trust
    opener: Opener
    signers: Signers
    mail: Outbox
    links: FileLinks
    letters: Letters
    allow_test_in_live: bool
    show_team: Callable[[Tx, TeamScope], Mapping[str, Any]]
    pac_name: Callable[[bool], str]
