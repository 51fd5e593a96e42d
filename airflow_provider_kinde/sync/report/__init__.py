"""Plans and reports as files and text, with or without names."""
