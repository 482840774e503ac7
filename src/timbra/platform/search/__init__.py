"""Full-text search: an index of words kept in the server's own database, the same on both engines.

A room says what of its objects is searched (``kinds.Kind``) and marks an object in the transaction that changes it
(``marks.changed``); the index follows within a second, or at once when somebody searches. See
docs/decisions/0023-word-index.md.
"""
