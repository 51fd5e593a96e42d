"""What a tenant holds: the database, what is read and written in it, seeds, and the state as plain data."""
