"""`prefect-kie doctor`: what is wrong with this server, this machine, this key."""
