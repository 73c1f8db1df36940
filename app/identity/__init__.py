"""Who is who: accounts that log in, patients who are treated, and who may act for whom; staff and devices too.

Owns accounts, patients with their outside numbers, the links between them, staff, devices and log-ins. Does not own
what happens to a patient: that is each later step's.
"""
