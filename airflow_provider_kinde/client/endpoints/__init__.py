"""Kinde's endpoints: one module for each resource, one decorated signature for each endpoint."""
