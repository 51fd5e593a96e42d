"""What operators, sensors and the sync all do to users, members and organizations. Written once, used by all."""
