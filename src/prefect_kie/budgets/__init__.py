"""What a run, and all runs of a day, may pay."""
