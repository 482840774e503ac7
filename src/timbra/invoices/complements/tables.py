"""What each payment complement pays: one row per invoice, which moves with the complement that it belongs to."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, String, Table

from timbra.platform.db import JsonText, MicroInt, metadata

# state: outstanding (the stamp is awaited), live, replacing (live, and a new complement that takes its place awaits its
# stamp), replaced (a stamped one took its place), undone (refused or canceled).
invoice_payments = Table(
    "invoice_payments",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("complement_id", String(40), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("invoice_id", String(40)),  # none for an invoice that is not ours
    Column("uuid", String(36), nullable=False),
    Column("installment", Integer, nullable=False),
    Column("balance", MicroInt, nullable=False),  # ImpSaldoAnt
    Column("amount", MicroInt, nullable=False),  # ImpPagado
    Column("taxes", JsonText, nullable=False),  # [[tax, factor, rate, withheld, base, amount]]
    Column("state", String(12), nullable=False),
    Column("replaced_by", String(40)),  # the complement that took its place
    CheckConstraint("state in ('outstanding', 'live', 'replacing', 'replaced', 'undone')", name="state"),
    CheckConstraint("amount > 0 and amount <= balance", name="amount"),
    ForeignKeyConstraint(["team_id", "complement_id"], ["invoices.team_id", "invoices.id"]),
    ForeignKeyConstraint(["team_id", "invoice_id"], ["invoices.team_id", "invoices.id"]),
    Index("ix_invoice_payments_uuid", "team_id", "livemode", "uuid"),
    Index("ix_invoice_payments_invoice", "team_id", "invoice_id"),
)
