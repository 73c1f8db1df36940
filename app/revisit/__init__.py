"""The revisit (复诊): the doctor wants to see the patient again, who is reminded in time and books with one tap.

Owns the plans and their reminders, and when a reminder is told. Does not own places (scheduling, registration) nor
the messages by which a reminder reaches a phone (notifications).
"""
