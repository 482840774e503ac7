"""The table of services. ``description_key`` is what searches compare, ``sort_name`` what lists order by."""

from sqlalchemy import Boolean, Column, Index, String, Table

from timbra.platform.db import Instant, JsonText, MicroInt, metadata
from timbra.platform.folding import SORT_LENGTH, folded_type

services = Table(
    "services",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_ms", Instant, nullable=False),
    Column("updated_ms", Instant, nullable=False),
    Column("owner", String(40), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("description", String(1000), nullable=False),
    Column("unit_price", MicroInt, nullable=False),
    Column("product_key", String(8), nullable=False),
    Column("unit_key", String(20), nullable=False),
    Column("unit_name", String(100)),
    Column("sku", String(100)),
    Column("quantity", MicroInt, nullable=False),
    Column("taxability", String(2)),
    Column("taxes", JsonText, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("description_key", String(64), nullable=False),  # a digest: PostgreSQL cannot index 1,000 characters
    Column("sort_name", folded_type(SORT_LENGTH), nullable=False),
    Index(None, "team_id", "livemode", "deleted", "created_ms", "id"),
    Index(None, "team_id", "livemode", "deleted", "sort_name", "id"),
    Index("ix_services_sku", "team_id", "livemode", "deleted", "sku", "created_ms", "id"),
    Index("ix_services_product_key", "team_id", "livemode", "deleted", "product_key", "created_ms", "id"),
    Index("ix_services_description_key", "team_id", "livemode", "deleted", "description_key", "created_ms", "id"),
)
