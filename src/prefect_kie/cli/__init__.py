"""The command `prefect-kie`: `main`, and one module per command."""
