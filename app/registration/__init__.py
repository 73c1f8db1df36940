"""A patient's place in a session (挂号): held, paid for within the hold, confirmed, and what becomes of it.

Owns registrations and their visit numbers, the waiting list 候补 with its offers, and what counts against a patient
with the suspensions that follow. Does not own places (scheduling), money (payment) or the queue (queueing).
"""
