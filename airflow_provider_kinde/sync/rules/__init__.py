"""What a change of the rules does: two specs side by side, and rules replayed over kept exports."""
