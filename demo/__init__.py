"""The whole way on one machine: an HR file, a real Airflow, a local Kinde."""
