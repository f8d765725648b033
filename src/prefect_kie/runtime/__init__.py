"""What a process shares: its background event loop and what lives on it, heartbeats, logs."""
