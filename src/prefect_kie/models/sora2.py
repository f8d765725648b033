"""Sora 2's models as typed requests; Kie has paused all of them since June 2026.

Every request serialises to exactly the documented createTask body, by the API's own field names. Limits and
fields: kie-api, "Fields shared by the video models" and the table of models.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from prefect_kie.api import JobRequest
from prefect_kie.models.fields import (
    AspectRatio,
    CharacterIds,
    Handle,
    HttpUrl,
    LimitedUrl,
    OneUrl,
    Prompt,
    Seconds,
    Size,
    StoryboardSeconds,
    Timestamps,
    UploadMethod,
)


class _Video(JobRequest):
    prompt: Prompt
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: AspectRatio = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: UploadMethod = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""


class _VideoWithCharacters(_Video):
    reports_progress: ClassVar[bool] = True

    remove_watermark: bool | None = None
    """Ask for a version without the watermark (Kie then gives both)."""
    character_id_list: CharacterIds | None = None
    """Ids of at most 5 characters to use."""


class _FromPicture(JobRequest):
    image_urls: OneUrl
    """Exactly one public address of a jpeg, png or webp of at most 10 MB: the first frame."""


class Sora2TextToVideo(_VideoWithCharacters, title="Sora 2"):
    """A video from a prompt (sora-2-text-to-video)."""

    model: Literal["sora-2-text-to-video"] = "sora-2-text-to-video"


class Sora2ImageToVideo(_FromPicture, _VideoWithCharacters, title="Picture"):
    """A video that begins with a picture (sora-2-image-to-video)."""

    model: Literal["sora-2-image-to-video"] = "sora-2-image-to-video"


class Sora2ProTextToVideo(_VideoWithCharacters, title="Pro, text"):
    """A video from a prompt, pro quality (sora-2-pro-text-to-video)."""

    usual_seconds: ClassVar[float] = 300.0

    model: Literal["sora-2-pro-text-to-video"] = "sora-2-pro-text-to-video"
    size: Size = "high"
    """Quality: standard or high."""


class Sora2ProImageToVideo(_FromPicture, _VideoWithCharacters, title="Pro, picture"):
    """A video that begins with a picture, pro quality (sora-2-pro-image-to-video)."""

    usual_seconds: ClassVar[float] = 300.0

    model: Literal["sora-2-pro-image-to-video"] = "sora-2-pro-image-to-video"
    size: Size = "standard"
    """Quality: standard or high."""


class Sora2TextToVideoStable(_Video, title="Stable, text"):
    """A video from a prompt, stable form (sora-2-text-to-video-stable)."""

    model: Literal["sora-2-text-to-video-stable"] = "sora-2-text-to-video-stable"


class Sora2ImageToVideoStable(_FromPicture, _Video, title="Stable, picture"):
    """A video that begins with a picture, stable form (sora-2-image-to-video-stable)."""

    model: Literal["sora-2-image-to-video-stable"] = "sora-2-image-to-video-stable"


class Sora2CharactersPro(JobRequest, title="Character"):
    """A character made from a slice of an earlier video (sora-2-characters-pro)."""

    usual_seconds: ClassVar[float] = 60.0
    result_kind: ClassVar[str] = "character"

    model: Literal["sora-2-characters-pro"] = "sora-2-characters-pro"
    origin_task_id: Annotated[str, Field(min_length=1, max_length=100)]
    """Task id of the earlier Sora video."""
    timestamps: Timestamps
    """Start and end of the slice in seconds, like 3.55,5.55: 1 to 4 s long and inside the video."""
    character_prompt: Annotated[str, Field(min_length=1, max_length=1000)]
    """The character's stable traits in one line, at most 1,000 characters."""
    character_user_name: Handle | None = None
    """The wanted handle, without @, at most 40 characters; unique among all of Kie's users."""
    safety_instruction: Annotated[str, Field(max_length=1000)] | None = None
    """Boundaries for the character, at most 1,000 characters."""


class Sora2Characters(JobRequest, title="Character, file"):
    """A character made from a video file (sora-2-characters)."""

    usual_seconds: ClassVar[float] = 60.0
    result_kind: ClassVar[str] = "character"

    model: Literal["sora-2-characters"] = "sora-2-characters"
    character_file_url: OneUrl
    """Exactly one public address of an mp4, webm or avi of 1 to 4 s and at most 10 MB."""
    character_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """The character's stable traits, at most 5,000 characters."""
    safety_instruction: Annotated[str, Field(max_length=5000)] | None = None
    """Boundaries for the character, at most 5,000 characters."""


class Shot(BaseModel):
    """One shot of a storyboard."""

    model_config = JobRequest.model_config

    Scene: Annotated[str, Field(min_length=1)]
    """What the shot shows (capital S, as the API spells it)."""
    duration: Annotated[float, Field(ge=0.1, le=15)]
    """Length of the shot, 0.1 to 15 seconds."""


class Sora2ProStoryboard(JobRequest, title="Storyboard"):
    """A video of several shots (sora-2-pro-storyboard)."""

    usual_seconds: ClassVar[float] = 300.0

    model: Literal["sora-2-pro-storyboard"] = "sora-2-pro-storyboard"
    shots: Annotated[list[Shot], Field(min_length=1, max_length=10)]
    """1 to 10 shots; together no longer than n_frames."""
    n_frames: StoryboardSeconds = "15"
    """The video's length in seconds: 10, 15 or 25."""
    image_urls: Annotated[list[HttpUrl], Field(max_length=1)] | None = None
    """At most one public address of a picture: the first frame."""
    aspect_ratio: AspectRatio = "landscape"
    """Portrait or landscape."""
    upload_method: UploadMethod = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""

    @model_validator(mode="after")
    def _shots_fit(self) -> "Sora2ProStoryboard":
        total = round(sum(shot.duration for shot in self.shots), 3)
        if total > float(self.n_frames):
            raise ValueError(f"the shots are {total:g} s long together; n_frames allows {self.n_frames} s")
        return self


class SoraWatermarkRemover(JobRequest, title="Watermark"):
    """A Sora video without its watermark (sora-watermark-remover)."""

    usual_seconds: ClassVar[float] = 30.0

    model: Literal["sora-watermark-remover"] = "sora-watermark-remover"
    video_url: LimitedUrl
    """Public address of the Sora video, at most 500 characters."""
    upload_method: UploadMethod = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
