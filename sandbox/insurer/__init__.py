"""The medical insurer 医保: who is insured, what it pays by its own engine, and its own ledger, spoken to by FSI."""
