"""Medical insurance 医保: what the fund pays of a prescription or fee, what the patient pays, and by which rule.

It owns the catalogue 医保目录, the policies, the patients' coverage with what is used of it this year, and the splits.
It does not own the prescription or registration that is split, the bill that asks for the money, or the money.
"""
