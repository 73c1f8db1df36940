"""Where a message of ours is not as the profile of what we send says."""

from __future__ import annotations

from collections import Counter

from hl7_adapter.er7 import Message
from hl7_adapter.profiles import profile_for


def departures(message: Message) -> list[str]:
    """Segments and fields that no profile has, required ones that lack, and those that are there too often."""
    kind = f"{message.get('MSH-9.1')}^{message.get('MSH-9.2')}"
    profile = profile_for(kind, "out")
    if profile is None:
        return [f"{kind} has no profile"]
    counts = Counter(segment.name for segment in message)
    uses = {use.name: use for use in profile.uses}
    found = [name for name in counts if name not in uses]
    found += [use.name for use in profile.uses if not use.least <= counts[use.name] <= (use.most or counts[use.name])]
    for segment in message:
        known = {field.number: field for field in profile.fields.get(segment.name, ())}
        written = {number for number in range(1, len(segment) + 1) if segment.written(number)}
        found += [f"{segment.name}-{number}" for number in sorted(written - set(known))]
        found += [field.place for number, field in known.items() if field.usage == "R" and number not in written]
    return found
