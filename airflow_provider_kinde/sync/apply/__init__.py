"""Carry a plan out, verify, and one whole run."""
