"""Triggers: what waits in Airflow's triggerer, on its event loop, without blocking it."""
