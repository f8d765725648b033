"""Paid once, never lost: proven by killing real flow runs, at every step and at random.

`make crash` runs `generate_video` as a worker does, in processes of their own on a real Prefect server and
against the simulated Kie; kills them with SIGKILL; runs each again as an operator would; and counts.
"""
