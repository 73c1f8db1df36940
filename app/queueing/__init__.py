"""The waiting room: a number at check-in, who is called when, and how long it still takes.

Owns tickets, the lobbies where patients check in, who walks meanwhile, and what was told of waits with how right it
was. Does not own the registration behind a ticket, nor the screens that show it.
"""
