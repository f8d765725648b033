"""What a run asks people: approval of its cost, a slice of a video."""
