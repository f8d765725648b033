"""How soon an ended job is known, and for how many looks: this project and other providers' own clients.

`python -m benchmarks.peers` installs the newest replicate, fal-client and runwayml for this Python into an
environment of their own, gives each the same jobs on a local server that speaks its provider's protocol, and
waits by the call that each documents for it, with its own settings.
"""
