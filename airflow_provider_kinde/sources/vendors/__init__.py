"""HR rows from the API of one vendor: each is a description in YAML."""
