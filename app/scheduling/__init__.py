"""When doctors see patients: departments, practitioners, sessions (出诊班次) and their places (号源).

Owns supply: who sits where and when by shifts, single days and the calendar, which place is free, held or taken and
for whom it is kept, and whose turn it is while places are released. Does not own who holds a place: that is
registration's.
"""
