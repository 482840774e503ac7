"""People with memberships and one-time tokens, removal of teams, subscriptions, onboarding links."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_1813"
down_revision = "20261122_1812"
branch_labels = None
depends_on = None

SORT_NAME = sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql")


def upgrade() -> None:
    """The schema has this step."""
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("billing_account", sa.String(length=40), nullable=False),
        sa.Column("plan_id", sa.String(length=20), nullable=False),
        sa.Column("billing_cycle", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("period_end_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["billing_account"], ["billing_accounts.id"], name=op.f("fk_subscriptions_billing_account_billing_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("billing_account", name=op.f("uq_subscriptions_billing_account")),
    )
    op.create_table(
        "user_tokens",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("purpose in ('password', 'login')", name=op.f("ck_user_tokens_purpose")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_user_tokens")),
    )
    with op.batch_alter_table("user_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_tokens_expires_ms"), ["expires_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_user_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role in ('owner', 'admin', 'editor', 'viewer')", name=op.f("ck_memberships_role")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_memberships_team_id_teams")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id_users")),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_user_id"), ["user_id"], unique=False)

    op.create_table(
        "onboarding_sessions",
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("session_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("check_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_onboarding_sessions_team_id_teams")),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_onboarding_sessions")),
        sa.UniqueConstraint("session_sha256", name=op.f("uq_onboarding_sessions_session_sha256")),
    )
    with op.batch_alter_table("billing_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("partner_ref", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("metadata", sa.Text(), server_default="{}", nullable=False))

    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sort_name", SORT_NAME, nullable=True))
        batch_op.add_column(sa.Column("portal_slug", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("removal_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("flagged_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("flagged_by", sa.String(length=40), nullable=True))
        batch_op.drop_index(batch_op.f("ix_teams_billing_account"))
        batch_op.create_index(
            batch_op.f("ix_teams_billing_account_created_ms_id"), ["billing_account", "created_ms", "id"], unique=False
        )
        batch_op.create_unique_constraint(batch_op.f("uq_teams_portal_slug"), ["portal_slug"])

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email_key", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("sort_name", SORT_NAME, nullable=True))
        batch_op.add_column(sa.Column("first_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("last_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("phone", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("company_role", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("address", sa.Text(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("origin", sa.String(length=10), server_default="console", nullable=False))
        batch_op.add_column(sa.Column("made_by_team", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("password_hash", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("last_login_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("updated_ms", sa.BigInteger(), nullable=True))
        batch_op.alter_column("billing_account", existing_type=sa.VARCHAR(length=40), nullable=True)
        batch_op.create_index(
            batch_op.f("ix_users_billing_account_created_ms_id"), ["billing_account", "created_ms", "id"], unique=False
        )

    # Rows from before this step.
    op.execute("UPDATE teams SET sort_name = lower(substr(name, 1, 60))")
    op.execute(
        "UPDATE users SET sort_name = lower(substr(name, 1, 60)), email_key = lower(email), updated_ms = created_ms"
    )
    op.execute(
        "INSERT INTO memberships (team_id, user_id, role, created_ms) SELECT id, owner, 'owner', created_ms FROM teams"
    )
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.alter_column("sort_name", existing_type=SORT_NAME, nullable=False)
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.alter_column("sort_name", existing_type=SORT_NAME, nullable=False)
        batch_op.alter_column("email_key", existing_type=sa.String(length=254), nullable=False)
        batch_op.alter_column("updated_ms", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_users_email_key"), ["email_key"])
        batch_op.create_check_constraint(batch_op.f("ck_users_origin"), "origin in ('console', 'api', 'signup')")


def downgrade() -> None:
    """The schema is as before this step."""
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_users_email_key"), type_="unique")
        batch_op.drop_constraint(batch_op.f("ck_users_origin"), type_="check")
        batch_op.drop_index(batch_op.f("ix_users_billing_account_created_ms_id"))
        batch_op.alter_column("billing_account", existing_type=sa.VARCHAR(length=40), nullable=False)
        batch_op.drop_column("updated_ms")
        batch_op.drop_column("last_login_ms")
        batch_op.drop_column("password_hash")
        batch_op.drop_column("made_by_team")
        batch_op.drop_column("origin")
        batch_op.drop_column("address")
        batch_op.drop_column("company_role")
        batch_op.drop_column("phone")
        batch_op.drop_column("last_name")
        batch_op.drop_column("first_name")
        batch_op.drop_column("sort_name")
        batch_op.drop_column("email_key")

    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_teams_portal_slug"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_teams_billing_account_created_ms_id"))
        batch_op.create_index(batch_op.f("ix_teams_billing_account"), ["billing_account"], unique=False)
        batch_op.drop_column("flagged_by")
        batch_op.drop_column("flagged_ms")
        batch_op.drop_column("removal_ms")
        batch_op.drop_column("portal_slug")
        batch_op.drop_column("sort_name")

    with op.batch_alter_table("billing_accounts", schema=None) as batch_op:
        batch_op.drop_column("metadata")
        batch_op.drop_column("partner_ref")

    op.drop_table("onboarding_sessions")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_user_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("user_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_tokens_user_id"))
        batch_op.drop_index(batch_op.f("ix_user_tokens_expires_ms"))

    op.drop_table("user_tokens")
    op.drop_table("subscriptions")
