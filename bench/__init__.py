"""How fast and how big: each module measures one thing in interleaved rounds, beside its peers where there are some."""
