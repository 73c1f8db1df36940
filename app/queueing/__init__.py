"""The waiting room: a number at check-in, who is called when, and how long it still takes.

Owns tickets. Does not own the registration behind a ticket, nor the boards that show it.
"""
