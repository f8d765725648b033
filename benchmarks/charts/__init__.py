"""The charts of docs/benchmarks.md, drawn from its tables."""
