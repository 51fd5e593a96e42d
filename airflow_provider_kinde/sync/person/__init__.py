"""One person: onboard, offboard, explain. The same engine as the sync."""
