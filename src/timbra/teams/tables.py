"""Tables of billing accounts, people, memberships, teams, keys and series."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from timbra.platform.db import Instant, JsonText, metadata
from timbra.platform.folding import SORT_LENGTH, folded_type
from timbra.platform.sealed import Sealed

billing_accounts = Table(
    "billing_accounts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("partner_ref", String(64)),
    Column("metadata", JsonText, nullable=False, server_default="{}"),
    Column("created_ms", Instant, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("billing_account", String(40), ForeignKey("billing_accounts.id"), nullable=False, unique=True),
    Column("plan_id", String(20), nullable=False),
    Column("billing_cycle", String(10), nullable=False),
    Column("status", String(20), nullable=False),
    Column("period_end_ms", Instant, nullable=False),
    Column("created_ms", Instant, nullable=False),
)

# A person. Without billing_account: the last team is gone, nobody sees the user, the address stays taken.
users = Table(
    "users",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("billing_account", String(40), ForeignKey("billing_accounts.id")),
    Column("email", String(254), nullable=False),
    Column("email_key", String(254), nullable=False, unique=True),  # in lower case
    Column("name", String(200), nullable=False),  # shown
    Column("sort_name", folded_type(SORT_LENGTH), nullable=False),
    Column("first_name", String(100)),
    Column("last_name", String(100)),
    Column("phone", String(20)),
    Column("company_role", String(100)),
    Column("address", JsonText, nullable=False, server_default="{}"),
    Column("origin", String(10), nullable=False, server_default="console"),
    Column("made_by_team", String(40)),
    Column("password_hash", String(200)),  # null: no password opens the account
    Column("last_login_ms", Instant),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    CheckConstraint("origin in ('console', 'api', 'signup')", name="origin"),
    Index(None, "billing_account", "created_ms", "id"),
)

# Who may act for a team. Exactly one row per active team has the role owner: the one of teams.owner.
memberships = Table(
    "memberships",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), primary_key=True),
    Column("role", String(10), nullable=False),
    Column("created_ms", Instant, nullable=False),
    CheckConstraint("role in ('owner', 'admin', 'editor', 'viewer')", name="role"),
    Index(None, "user_id"),
)

teams = Table(
    "teams",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("billing_account", String(40), ForeignKey("billing_accounts.id"), nullable=False),
    Column("owner", String(40), ForeignKey("users.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("sort_name", folded_type(SORT_LENGTH), nullable=False),
    Column("legal_name", String(300)),
    Column("tax_id", String(13)),
    Column("tax_system", String(3)),
    Column("address", JsonText, nullable=False),
    Column("brand", JsonText, nullable=False),
    Column("support_email", String(254)),
    Column("support_phone", String(40)),
    Column("metadata", JsonText, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("connect_enabled", Boolean, nullable=False),
    Column("account_type", String(20), nullable=False),
    Column("portal_slug", String(128), unique=True),  # the setting customer_portal_id
    Column("status", String(20), nullable=False),
    Column("removal_ms", Instant),
    Column("flagged_ms", Instant),
    Column("flagged_by", String(40)),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    CheckConstraint("status in ('active', 'pending_deletion')", name="status"),
    Index(None, "billing_account", "created_ms", "id"),
)

# Links to the page where an owner uploads the certificate; only digests of the two halves are kept.
onboarding_sessions = Table(
    "onboarding_sessions",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),  # one open link per team
    Column("session_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("check_sha256", LargeBinary(32), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("made_by", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("expires_ms", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("key_id", String(40), nullable=False, unique=True),
    Column("livemode", Boolean, nullable=False),
    Column("name", String(64), nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("token_sha256", LargeBinary(32), nullable=False),
    Column("created_by", String(40), nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("expires_ms", Instant),
    Column("last_used_ms", Instant),  # to the minute
    Column("revokes_ms", Instant),  # end of the overlap after a rotation
    Column("revoked_ms", Instant),
    Column("rotated_to", String(40)),
    Column("rotated_from", String(40)),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(40), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("sealed_private_key", Sealed, nullable=False),
    Column("created_ms", Instant, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("team_id", String(40), ForeignKey("teams.id"), primary_key=True),
    Column("series", String(25), primary_key=True),
    Column("live", Integer, nullable=False),
    Column("test", Integer, nullable=False),
    Column("created_ms", Instant, nullable=False),
    CheckConstraint("live >= 0 and test >= 0", name="counters"),
)

# Numbers at or below the counter that a refusal gave back: handed out again first, lowest first.
released_folios = Table(
    "released_folios",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("series", String(25), primary_key=True),
    Column("folio", Integer, primary_key=True),
)
