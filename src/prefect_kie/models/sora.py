"""Requests of the family sora.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    Handle,
    IsAddress,
    IsNumber,
    NotBlank,
    Seconds,
    StoryboardSeconds,
    Timestamps,
)
from prefect_kie.models.rules import CatalogRequest, Part


class Sora2Characters(CatalogRequest, title="Character, file"):
    """A character made from a video file (sora-2-characters)."""

    result_kind: ClassVar[str] = "character"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["sora-2-characters"] = "sora-2-characters"
    character_file_url: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """Exactly one public address of an mp4, webm or avi of 1 to 4 s and at most 10 MB."""
    character_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """The character's stable traits, at most 5,000 characters."""
    safety_instruction: Annotated[str, Field(max_length=5000)] | None = None
    """Boundaries for the character, at most 5,000 characters."""


class Sora2CharactersPro(CatalogRequest, title="Character"):
    """A character made from a slice of an earlier video (sora-2-characters-pro)."""

    result_kind: ClassVar[str] = "character"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["sora-2-characters-pro"] = "sora-2-characters-pro"
    origin_task_id: Annotated[str, Field(min_length=1, max_length=100), NotBlank]
    """Task id of the earlier Sora video."""
    timestamps: Timestamps
    """Start and end of the slice in seconds, like 3.55,5.55: 1 to 4 s long and inside the video."""
    character_prompt: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """The character's stable traits in one line, at most 1,000 characters."""
    character_user_name: Handle | None = None
    """The wanted handle, without @, at most 40 characters; unique among all of Kie's users."""
    safety_instruction: Annotated[str, Field(max_length=1000)] | None = None
    """Boundaries for the character, at most 1,000 characters."""


class Sora2ImageToVideo(CatalogRequest, title="Picture"):
    """A video that begins with a picture (sora-2-image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    reports_progress: ClassVar[bool] = True
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "upload_method"})

    model: Literal["sora-2-image-to-video"] = "sora-2-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
    remove_watermark: bool | None = None
    """Ask for a version without the watermark (Kie then gives both)."""
    character_id_list: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=5)] | None
    ) = None
    """Ids of at most 5 characters to use."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """Exactly one public address of a jpeg, png or webp of at most 10 MB: the first frame."""


class Sora2ImageToVideoStable(CatalogRequest, title="Stable, picture"):
    """A video that begins with a picture, stable form (sora-2-image-to-video-stable)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "upload_method"})

    model: Literal["sora-2-image-to-video-stable"] = "sora-2-image-to-video-stable"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """Exactly one public address of a jpeg, png or webp of at most 10 MB: the first frame."""


class Sora2ProImageToVideo(CatalogRequest, title="Pro, picture"):
    """A video that begins with a picture, pro quality (sora-2-pro-image-to-video)."""

    usual_seconds: ClassVar[float] = 300.0
    reports_progress: ClassVar[bool] = True
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "size", "upload_method"})

    model: Literal["sora-2-pro-image-to-video"] = "sora-2-pro-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
    remove_watermark: bool | None = None
    """Ask for a version without the watermark (Kie then gives both)."""
    character_id_list: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=5)] | None
    ) = None
    """Ids of at most 5 characters to use."""
    size: Literal["standard", "high"] = "standard"
    """Quality: standard or high."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """Exactly one public address of a jpeg, png or webp of at most 10 MB: the first frame."""


class Shot(Part):
    """One of `shots` of sora-2-pro-storyboard."""

    Scene: Annotated[str, Field(min_length=1), NotBlank]
    """What the shot shows (capital S, as the API spells it)."""
    duration: Annotated[float, Field(ge=0.1, le=15), IsNumber]
    """Length of the shot, 0.1 to 15 seconds."""


class Sora2ProStoryboard(CatalogRequest, title="Storyboard"):
    """A video of several shots (sora-2-pro-storyboard)."""

    usual_seconds: ClassVar[float] = 300.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "upload_method"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("shots", "within", "n_frames"),)

    model: Literal["sora-2-pro-storyboard"] = "sora-2-pro-storyboard"
    shots: Annotated[list[Shot], Field(min_length=1, max_length=10)]
    """1 to 10 shots; together no longer than n_frames."""
    n_frames: StoryboardSeconds = "15"
    """The video's length in seconds: 10, 15 or 25."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)] | None = None
    """At most one public address of a picture: the first frame."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""


class Sora2ProTextToVideo(CatalogRequest, title="Pro, text"):
    """A video from a prompt, pro quality (sora-2-pro-text-to-video)."""

    usual_seconds: ClassVar[float] = 300.0
    reports_progress: ClassVar[bool] = True
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "size", "upload_method"})

    model: Literal["sora-2-pro-text-to-video"] = "sora-2-pro-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
    remove_watermark: bool | None = None
    """Ask for a version without the watermark (Kie then gives both)."""
    character_id_list: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=5)] | None
    ) = None
    """Ids of at most 5 characters to use."""
    size: Literal["standard", "high"] = "high"
    """Quality: standard or high."""


class Sora2TextToVideo(CatalogRequest, title="Sora 2"):
    """A video from a prompt (sora-2-text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    reports_progress: ClassVar[bool] = True
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "upload_method"})

    model: Literal["sora-2-text-to-video"] = "sora-2-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
    remove_watermark: bool | None = None
    """Ask for a version without the watermark (Kie then gives both)."""
    character_id_list: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=5)] | None
    ) = None
    """Ids of at most 5 characters to use."""


class Sora2TextToVideoStable(CatalogRequest, title="Stable, text"):
    """A video from a prompt, stable form (sora-2-text-to-video-stable)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "n_frames", "upload_method"})

    model: Literal["sora-2-text-to-video-stable"] = "sora-2-text-to-video-stable"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What the video shows, 1 to 10,000 characters. Mention a character as @handle."""
    aspect_ratio: Literal["portrait", "landscape"] = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """The video's length in seconds: 10 or 15."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""


class SoraWatermarkRemover(CatalogRequest, title="Watermark"):
    """A Sora video without its watermark (sora-watermark-remover)."""

    usual_seconds: ClassVar[float] = 30.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"upload_method"})

    model: Literal["sora-watermark-remover"] = "sora-watermark-remover"
    video_url: Annotated[str, Field(max_length=500), IsAddress]
    """Public address of the Sora video, at most 500 characters."""
    upload_method: Literal["s3", "oss"] = "s3"
    """Where Kie puts the result: s3, or oss for better access within China."""
