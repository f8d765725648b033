"""What a process shares: turns, single flight, heartbeats, work that outlives its caller."""
