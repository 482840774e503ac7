"""The database's schema, step by step (Alembic). ``scripts/new_migration.py`` writes a new step."""
