"""Sensors: what waits for users, organizations and memberships, in a worker or in the triggerer."""
