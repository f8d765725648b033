"""What orchestration costs: the processor time of client and Prefect server for each video.

This project, by callbacks and by polling, against a bare script and against the flow that most people write.
"""
