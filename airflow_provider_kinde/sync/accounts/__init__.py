"""The inventory: every account of a tenant, and what a sync thinks of it."""
