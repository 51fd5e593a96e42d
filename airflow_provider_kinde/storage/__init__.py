"""Files in ``[kinde] storage_path``: plans, reports, the history, and small states."""
