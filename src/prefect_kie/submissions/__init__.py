"""Paid for exactly once: each submission is recorded before it is sent, and never repeated in doubt."""
