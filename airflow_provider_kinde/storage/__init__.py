"""Where plans and reports are kept, and which state of HR was synced."""
