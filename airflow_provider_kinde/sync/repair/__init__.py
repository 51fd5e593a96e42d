"""What a person decides: undo, relink, release."""
