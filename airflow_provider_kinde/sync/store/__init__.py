"""All SQL of the temporary database of a run."""
