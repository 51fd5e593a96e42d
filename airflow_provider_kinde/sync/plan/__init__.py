"""From people and the snapshot to a plan: reconcile, match, guards."""
