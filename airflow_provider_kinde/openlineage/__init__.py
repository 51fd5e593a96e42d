"""OpenLineage: which HR data went into which organizations, as counts."""
