"""When doctors see patients: departments, practitioners, sessions (出诊班次) and their places (号源).

Owns supply: who sits where and when, and which place is free, held or taken. Does not own who holds a place: that is
registration's.
"""
