"""What the page of a series offers: to redo an episode, in a form that somebody fills in and submits."""

import json
from typing import Any
from urllib.parse import quote

from prefect.context import FlowRunContext
from prefect.settings import PREFECT_UI_URL

from prefect_kie.run_page.markdown import code, link

LONGEST_ADDRESS = 7000  # characters; proxies take 8 KiB


def redo_offer(job_key: str, *, continued: bool = False) -> str:
    """How to make an episode of this run anew, as Markdown; `continued` where each episode begins with the
    last picture of the one before.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None:
        where = f"in the same call, with {code(f'scope=Scope(job_key={job_key!r})')}"
    else:
        # As both UIs' "Copy to new run" does it. The classic one decodes the values twice: no % of their own.
        scope: dict[str, Any] = {**(run.parameters.get("scope") or {}), "job_key": job_key}
        values = json.dumps(run.parameters | {"scope": scope}, separators=(",", ":"), default=str)
        values = values.replace("%", "\\u0025")
        path = f"deployments/deployment/{run.deployment_id}/run?parameters={quote(values, safe='')}"
        ui = PREFECT_UI_URL.value()
        where = f"in this run's menu ⋮, **Copy to new run**, with the job key {code(job_key)}"
        if ui and len(address := f"{ui.rstrip('/')}/{path}") <= LONGEST_ADDRESS:
            where = f"in {link('the form of a new run with the same values', address)}"
    after = " Those after it begin with its last picture, so they are made anew too." if continued else ""
    return (
        f"**Redo an episode:** change its prompt {where}. Only what changes is made and paid for, once; the "
        f"other episodes and all files stay.{after}"
    )
