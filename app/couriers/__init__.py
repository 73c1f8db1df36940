"""Who talks to the outside world: one file per provider, each fits a port of the step that needs it."""
