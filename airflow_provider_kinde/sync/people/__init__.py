"""HR rows to people: access dates, rejected rows, drift."""
