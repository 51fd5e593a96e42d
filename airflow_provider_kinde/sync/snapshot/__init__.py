"""Kinde's side, read: accounts, organizations, members."""
