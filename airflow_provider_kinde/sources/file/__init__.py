"""HR rows from a file: CSV, JSON, JSON lines or Parquet."""
