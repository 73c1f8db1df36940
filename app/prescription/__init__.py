"""The prescription 处方: signed by a doctor, reviewed by a pharmacist, valid for three days, itemised to the fen.

It owns the formulary, the prescriptions with their lines, whichever way they came in, and their reviews. It does not
own what insurance pays of them, the bill, or the bag; those follow from its events.
"""
