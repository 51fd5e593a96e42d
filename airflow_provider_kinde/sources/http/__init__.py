"""HR rows from any JSON API."""
