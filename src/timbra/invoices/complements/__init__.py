"""Payment complements: documents of type P, what they pay, and what that does to the invoices (contract complements.md)."""
