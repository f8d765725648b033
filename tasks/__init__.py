"""Prefect tasks: one per model, each submitting a job once; and wait, save, upload.

Compose them in flows of your own::

    handle = await sora_2_text_to_video(Sora2TextToVideo(prompt="a claymation conductor"), "kie")
    job = await wait_for_job(handle, "kie")
    video = await save_result(job, "kie")
"""

from prefect_kie.media.saved import SavedFile, SavedResult
from prefect_kie.tasks.measure import measure_video
from prefect_kie.tasks.models import (
    ModelTask,
    run_model,
    sora_2_characters,
    sora_2_characters_pro,
    sora_2_image_to_video,
    sora_2_image_to_video_stable,
    sora_2_pro_image_to_video,
    sora_2_pro_storyboard,
    sora_2_pro_text_to_video,
    sora_2_text_to_video,
    sora_2_text_to_video_stable,
    sora_watermark_remover,
    task_for,
)
from prefect_kie.tasks.save import save_result
from prefect_kie.tasks.upload import upload_file
from prefect_kie.tasks.wait import wait_for_job

__all__ = [
    "ModelTask",
    "SavedFile",
    "SavedResult",
    "measure_video",
    "run_model",
    "save_result",
    "sora_2_characters",
    "sora_2_characters_pro",
    "sora_2_image_to_video",
    "sora_2_image_to_video_stable",
    "sora_2_pro_image_to_video",
    "sora_2_pro_storyboard",
    "sora_2_pro_text_to_video",
    "sora_2_text_to_video",
    "sora_2_text_to_video_stable",
    "sora_watermark_remover",
    "task_for",
    "upload_file",
    "wait_for_job",
]
