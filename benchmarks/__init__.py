"""How long the sync takes, against a local Kinde in a process of its own."""
