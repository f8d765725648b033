"""Prefect tasks: one per model, each submitting a job once; and wait, save, upload.

Compose them in flows of your own::

    handle = await kling_2_6_text_to_video(Kling26TextToVideo(prompt="a yak on a ridge", sound=False), "kie")
    job = await wait_for_job(handle, "kie")
    video = await save_result(job, "kie")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from prefect_kie.models.index import MODELS

if TYPE_CHECKING:
    from prefect_kie.media.saved import SavedFile, SavedResult
    from prefect_kie.tasks._of_models import *  # noqa: F403 # pyright: ignore[reportWildcardImportFromLibrary]
    from prefect_kie.tasks.files import measure_video, save_result, upload_file
    from prefect_kie.tasks.models import ModelTask, run_model, task_for
    from prefect_kie.tasks.wait import wait_for_job

_MODULES = {
    "media.saved": "SavedFile SavedResult",
    "tasks.models": "ModelTask run_model task_for",
    "tasks.files": "measure_video save_result upload_file",
    "tasks.wait": "wait_for_job",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}
_MODEL_OF = {known.task: model for model, known in MODELS.items()}

__all__ = [
    "ModelTask",
    "SavedFile",
    "SavedResult",
    "measure_video",
    "run_model",
    "save_result",
    "task_for",
    "upload_file",
    "wait_for_job",
]
__all__ += list(_MODEL_OF)  # pyright: ignore[reportUnsupportedDunderAll]

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        if name in _MODULE_OF:
            value = getattr(import_module(f"prefect_kie.{_MODULE_OF[name]}"), name)
        elif name in _MODEL_OF:
            from prefect_kie.models import request_class
            from prefect_kie.tasks.models import model_task

            value = model_task(request_class(_MODEL_OF[name]))
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value  # asked once
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
