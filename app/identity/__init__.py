"""Who is who: accounts that log in, patients who are treated, and who may act for whom; staff and programs too.

Owns accounts, patients with their outside numbers, the links between them with guardians' consents, staff, log-ins,
and the programs that come in by FHIR. Does not own what happens to a patient: that is each later step's.
"""
