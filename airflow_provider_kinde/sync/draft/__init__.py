"""Draft a spec from an HR file (`init`)."""
