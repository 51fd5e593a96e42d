"""Assets: names for Kinde organizations that Airflow can schedule on."""
