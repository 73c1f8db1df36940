"""Bills (账单) and the money that settles them: asked for, received, and given back.

Owns bills with their lines, the orders placed with a payment provider, refunds with the claims that ask for them,
what providers tell us of them, and the cashiers' drawers. Does not own what is paid for (registration,
prescription), what insurance pays (insurance settles its part before money is asked for), or the invoice.
"""
