"""What flows return, and how they fail."""
