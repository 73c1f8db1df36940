"""What every step of the visit stands on: money, time, numbers, errors; it knows no step of the visit."""
