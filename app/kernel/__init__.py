"""What every step of the visit stands on: time, money, ids, states, the unit of work; it knows no step itself."""
