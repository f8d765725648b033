"""Kie AI's video models as Prefect tasks and flows: every video is paid once and never lost.

| look for | in |
|---|---|
| typed requests, the HTTP client, jobs, errors | `prefect_kie.api` |
| what is stored on the Prefect server | `prefect_kie.blocks` |
| one task per model; wait, save, upload | `prefect_kie.tasks` |
| compositions to run, deploy or call as subflows | `prefect_kie.flows` |
| a local Kie for trying out and testing | `prefect_kie.simulator` |
"""

from importlib.metadata import version

__version__ = version("prefect-kie")
