"""A patient's place in a session (挂号): held, paid for within the hold, confirmed, and what becomes of it.

Owns registrations and their visit numbers. Does not own places (scheduling), money (payment) or the queue (queueing).
"""
