"""The bag of drugs on its way into the patient's hands: picked, checked, scanned, matched, handed over once.

Owns the pharmacy's windows, the bags with their pickup codes and labels, every scan at a window, and the record of
what was dispensed by whom after which checks. Does not own the prescription (its drugs and doses are read there),
nor the money (a bag is picked when payment says that the bill is paid).
"""
