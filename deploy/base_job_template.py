"""Print a work pool's base job template: Prefect's own for its type, with our choices in it.

    python deploy/base_job_template.py docker deploy/docker.json > template.json
    prefect work-pool create kie --type docker --base-job-template template.json

The file of choices has defaults for the template's variables and, under `job_configuration`, what is added to
the rest of it. Run it where the worker's package is installed: prefect-docker or prefect-kubernetes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from prefect.plugins import load_prefect_collections
from prefect.workers.base import BaseWorker


def base_job_template(kind: str, choices: dict[str, Any]) -> dict[str, Any]:
    """The template of a type of work pool, with these choices.

    Args:
        kind: The type: docker or kubernetes.
        choices: `variables` (name to default) and `job_configuration` (merged into the template's own).

    Raises:
        ValueError: when there is no worker of that type, or it has no variable of a chosen name.
    """
    load_prefect_collections()
    worker = BaseWorker.get_worker_class_from_type(kind)
    if worker is None:
        raise ValueError(f"no worker of type {kind} is installed; run: pip install prefect-{kind}")
    template = worker.get_default_base_job_template()
    properties = template["variables"]["properties"]
    for name, default in choices.get("variables", {}).items():
        if name not in properties:
            raise ValueError(f"{kind} has no variable {name}; it has {', '.join(sorted(properties))}")
        properties[name]["default"] = default
    template["job_configuration"] = _merged(
        template["job_configuration"], choices.get("job_configuration", {})
    )
    return template


def _merged(first: Any, second: Any) -> Any:
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second
    known, added = cast(dict[str, Any], first), cast(dict[str, Any], second)
    return {**known, **{name: _merged(known.get(name), value) for name, value in added.items()}}


if __name__ == "__main__":
    kind, choices = sys.argv[1:]
    try:
        made = base_job_template(kind, json.loads(Path(choices).read_text()))
    except ValueError as error:
        sys.exit(str(error))
    print(json.dumps(made, indent=2))
