"""What was done, run by run: the content of a history, and what is read from it."""
