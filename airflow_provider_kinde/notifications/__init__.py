"""Notifications: tell people how a sync ended."""

from __future__ import annotations

from airflow_provider_kinde.notifications.sync import KindeSyncNotifier

__all__ = ["KindeSyncNotifier"]
