"""What follows what in the visit, in the order of the visit; read this to know the flow."""

from __future__ import annotations

from app import events
from app.kernel.uow import Story

STORY: Story = {
    events.RegistrationHeld: (),
}
