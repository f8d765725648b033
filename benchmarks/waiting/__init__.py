"""How soon an ended job is known, and how many looks that takes.

`make bench` compares this project (by polling, with progress told, with callbacks) with fixed intervals: the
schedules alone in virtual time, and the whole through a real Prefect server.
"""
