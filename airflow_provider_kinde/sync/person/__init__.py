"""Onboard, offboard and explain one person, with the same engine as the sync."""
