"""Medical insurance 医保: what the fund pays of a prescription or fee, what the patient pays, and by which rule.

It owns the catalogue 医保目录, the policies, the patients' coverage with what is used of it this year, the splits,
their settlements with the insurer, and what a patient agreed to pay alone or did not want. It does not own the
prescription or registration that is split, the bill that asks for the money, or the money.
"""
