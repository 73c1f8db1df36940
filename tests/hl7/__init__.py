"""The hospital system's door: message text, framing, acknowledgement."""
