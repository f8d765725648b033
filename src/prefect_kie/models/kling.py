"""Requests of the family kling.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
    TextAsNumber,
)
from prefect_kie.models.rules import CatalogRequest, Part, Variant


class Kling26ImageToVideo(CatalogRequest, title="Kling 2.6 Image to Video"):
    """A video of 5 or 10 seconds, silent or with sound, from a prompt and a picture (kling-2.6/image-to-video)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "sound"})

    model: Literal["kling-2.6/image-to-video"] = "kling-2.6/image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to one picture, which the video starts with."""
    sound: bool = False
    """Adds sound to the video."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""


class Kling26MotionControl(CatalogRequest, title="Kling 2.6 motion-control"):
    """A video in which a pictured character moves as the person in a clip does (kling-2.6/motion-control)."""

    usual_seconds: ClassVar[float] = 240.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"character_orientation", "mode"})
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "input_urls"),)

    model: Literal["kling-2.6/motion-control"] = "kling-2.6/motion-control"
    prompt: Annotated[str, Field(max_length=2500)] | None = None
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=1)] | None = None
    """The link to one picture of the character."""
    video_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to one clip of 3 to 30 seconds and up to 100 MB whose motion to copy."""
    character_orientation: Literal["image", "video"] = "video"
    """Faces as in the picture (image, up to 10 seconds of video) or as in the clip (video)."""
    mode: Literal["720p", "1080p"] = "720p"
    """How large the result is; Kie's text writes std for 720p and pro for 1080p."""


class Kling26TextToVideo(CatalogRequest, title="Kling 2.6 Text to Video"):
    """A video of 5 or 10 seconds, silent or with sound, from a prompt (kling-2.6/text-to-video)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "duration", "sound"})

    model: Literal["kling-2.6/text-to-video"] = "kling-2.6/text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """What to make, in words."""
    sound: bool = False
    """Adds sound to the video."""
    aspect_ratio: Literal["1:1", "16:9", "9:16"] = "1:1"
    """Width to height of the result."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""


class Kling30OmniImageToVideoMultiPrompt(Part):
    """One of `multi_prompt` of kling-3.0-omni/image-to-video."""

    duration: Annotated[int, Field(ge=1, le=15), IsNumber]
    """Length of the shot, in seconds."""
    prompt: Annotated[str, Field(min_length=1, max_length=512), NotBlank]
    """What happens in the shot, in words."""


class Kling30OmniImageToVideoElement(Part):
    """One of `elements` of kling-3.0-omni/image-to-video."""

    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name to use in the prompt, written here without the @."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the person or thing is, in words."""
    element_input_urls: Annotated[list[Address], Field(min_length=1, max_length=4)]
    """Links to two to four pictures of it, or to one clip."""
    element_input_audio_urls: list[Address] | None = None
    """The link to a sample of the voice, 5 to 30 seconds long."""
    start_time: Annotated[int, Field(ge=0), IsNumber] = 0
    """Where the part of the clip to use starts, in milliseconds."""
    end_time: Annotated[int, Field(ge=3000), IsNumber] = 8000
    """Where the part of the clip to use ends, in milliseconds."""


class Kling30OmniImageToVideo(CatalogRequest, title="Kling 3.0 Omni  Image To Video"):
    """A video of 3 to 15 seconds from a first frame, or a first and a last one, and a prompt (kling-3.0-omni/image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    cast_into: ClassVar[str | None] = "elements"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("customize_multi_shots", "excludes-true", "prefer_multi_shots"),
        ("customize_multi_shots=true", "needs", "multi_prompt"),
        ("aspect_ratio=16:9", "needs", "customize_multi_shots=true"),
        ("aspect_ratio=9:16", "needs", "customize_multi_shots=true"),
        ("aspect_ratio=1:1", "needs", "customize_multi_shots=true"),
        ("multi_prompt", "needs", "customize_multi_shots=true"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "one first frame",
            ("prompt", "image_urls"),
            (
                "aspect_ratio",
                "audio",
                "customize_multi_shots",
                "duration",
                "elements",
                "image_urls",
                "multi_prompt",
                "prefer_multi_shots",
                "prompt",
                "resolution",
            ),
            limits={"image_urls": (1, 1)},
            values={},
        ),
        Variant(
            "first and last frame",
            ("prompt", "image_urls"),
            (
                "aspect_ratio",
                "audio",
                "customize_multi_shots",
                "duration",
                "elements",
                "image_urls",
                "multi_prompt",
                "prefer_multi_shots",
                "prompt",
                "resolution",
            ),
            limits={"image_urls": (2, 2), "elements": (0, 3)},
            values={},
        ),
    )

    model: Literal["kling-3.0-omni/image-to-video"] = "kling-3.0-omni/image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=3072), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=2)]
    """The link to the first frame, or links to the first and the last."""
    duration: Annotated[Literal[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 5
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "auto"] = "auto"
    """Width to height of the video; other than auto only with customize_multi_shots."""
    audio: bool | None = None
    """Adds sound to the video."""
    customize_multi_shots: bool | None = None
    """Films the shots in multi_prompt, each with its own prompt and length."""
    prefer_multi_shots: bool | None = None
    """Lets the model split the video into shots by itself; not with customize_multi_shots."""
    multi_prompt: (
        Annotated[list[Kling30OmniImageToVideoMultiPrompt], Field(min_length=1, max_length=6)] | None
    ) = None
    """Up to six shots, in order; needed with customize_multi_shots, not used without."""
    elements: Annotated[list[Kling30OmniImageToVideoElement], Field(max_length=3)] | None = None
    """People or things to use in the video; write @name in the prompt for each."""


class Kling30OmniReferenceToVideoMultiPrompt(Part):
    """One of `multi_prompt` of kling-3.0-omni/reference-to-video."""

    prompt: Annotated[str, Field(min_length=1, max_length=512), NotBlank]
    """What happens in the shot, in words."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber]
    """Length of the shot, in seconds."""


class Kling30OmniReferenceToVideoElement(Part):
    """One of `elements` of kling-3.0-omni/reference-to-video."""

    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name to use in the prompt, written here without the @."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the person or thing is, in words."""
    element_input_urls: Annotated[list[Address], Field(min_length=1, max_length=4)]
    """Links to two to four pictures of it, or to one clip."""
    element_input_audio_urls: list[Address] | None = None
    """The link to a sample of the voice, 5 to 30 seconds long."""
    start_time: Annotated[int, IsNumber] = 0
    """Where the part of the clip to use starts, in milliseconds."""
    end_time: Annotated[int, IsNumber] = 8000
    """Where the part of the clip to use ends, in milliseconds."""


class Kling30OmniReferenceToVideo(CatalogRequest, title="Kling 3.0 Omni Reference To Video"):
    """A video of 3 to 15 seconds from a prompt with reference pictures, elements, or a clip (kling-3.0-omni/reference-to-video)."""

    usual_seconds: ClassVar[float] = 200.0
    cast_into: ClassVar[str | None] = "elements"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("customize_multi_shots", "excludes-true", "prefer_multi_shots"),
        ("customize_multi_shots=true", "needs", "multi_prompt"),
        ("audio=true", "excludes", "video_urls"),
        ("multi_prompt", "needs", "customize_multi_shots=true"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "no video",
            ("prompt", "image_urls"),
            (
                "aspect_ratio",
                "audio",
                "customize_multi_shots",
                "duration",
                "elements",
                "image_urls",
                "multi_prompt",
                "prefer_multi_shots",
                "prompt",
                "resolution",
            ),
            limits={},
            values={"aspect_ratio": ("16:9", "9:16", "1:1")},
        ),
        Variant(
            "a video only",
            ("prompt", "video_urls", "aspect_ratio", "audio"),
            ("aspect_ratio", "audio", "elements", "prompt", "resolution", "video_urls"),
            limits={},
            values={"aspect_ratio": ("auto",), "audio": (False,)},
        ),
        Variant(
            "a video and images",
            ("prompt", "image_urls", "video_urls", "audio"),
            (
                "aspect_ratio",
                "audio",
                "duration",
                "elements",
                "image_urls",
                "prompt",
                "resolution",
                "video_urls",
            ),
            limits={"image_urls": (0, 4)},
            values={"aspect_ratio": ("16:9", "9:16", "1:1"), "audio": (False,)},
        ),
    )

    model: Literal["kling-3.0-omni/reference-to-video"] = "kling-3.0-omni/reference-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=3072), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(max_length=7)] | None = None
    """Links to up to seven reference pictures; up to four with a clip."""
    duration: Annotated[Literal[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 5
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "auto"] = "16:9"
    """Width to height of the result."""
    audio: bool | None = None
    """Adds sound to the video; must be false with a clip."""
    customize_multi_shots: bool | None = None
    """Films the shots in multi_prompt, each with its own prompt and length."""
    prefer_multi_shots: bool | None = None
    """Lets the model split the video into shots by itself; not with customize_multi_shots."""
    multi_prompt: (
        Annotated[list[Kling30OmniReferenceToVideoMultiPrompt], Field(min_length=1, max_length=6)] | None
    ) = None
    """Up to six shots, in order; needed with customize_multi_shots, not used without."""
    elements: list[Kling30OmniReferenceToVideoElement] | None = None
    """People or things to use in the video; write @name in the prompt for each."""
    video_urls: Annotated[list[Address], Field(min_length=1, max_length=1)] | None = None
    """The link to one reference clip, MP4 or MOV, up to 200 MB, 3 to 15.5 seconds long."""


class Kling30OmniTextToVideoMultiPrompt(Part):
    """One of `multi_prompt` of kling-3.0-omni/text-to-video."""

    prompt: Annotated[str, Field(min_length=1, max_length=512), NotBlank]
    """What happens in the shot, in words."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber]
    """Length of the shot, in seconds."""


class Kling30OmniTextToVideoElement(Part):
    """One of `elements` of kling-3.0-omni/text-to-video."""

    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name to use in the prompt, written here without the @."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the person or thing is, in words."""
    element_input_urls: Annotated[list[Address], Field(min_length=1, max_length=4)]
    """Links to two to four pictures of it, or to one clip."""
    element_input_audio_urls: list[Address] | None = None
    """The link to a sample of the voice, 5 to 30 seconds long."""


class Kling30OmniTextToVideo(CatalogRequest, title="Kling 3.0 Omni Text to Video"):
    """A video of 3 to 15 seconds, in one or several shots, from a prompt (kling-3.0-omni/text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"customize_multi_shots"})
    cast_into: ClassVar[str | None] = "elements"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("customize_multi_shots", "excludes-true", "prefer_multi_shots"),
        ("customize_multi_shots=true", "needs", "multi_prompt"),
        ("multi_prompt", "needs", "customize_multi_shots=true"),
    )

    model: Literal["kling-3.0-omni/text-to-video"] = "kling-3.0-omni/text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=3072), NotBlank]
    """What to make, in words."""
    customize_multi_shots: bool = False
    """Films the shots in multi_prompt, each with its own prompt and length."""
    prefer_multi_shots: bool | None = None
    """Lets the model split the video into shots by itself; not with customize_multi_shots."""
    multi_prompt: Annotated[list[Kling30OmniTextToVideoMultiPrompt], Field(max_length=6)] | None = None
    """Up to six shots, in order; needed with customize_multi_shots, not used without."""
    elements: list[Kling30OmniTextToVideoElement] | None = None
    """People or things to use in the video; write @name in the prompt for each."""
    audio: bool = False
    """Adds sound to the video."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[Literal[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 5
    """Length of the result, in seconds."""


class Kling30OmniTransformationElement(Part):
    """One of `elements` of kling-3.0-omni/transformation."""

    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name to use in the prompt, written here without the @."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the person or thing is, in words."""
    element_input_urls: Annotated[list[Address], Field(min_length=1, max_length=4)]
    """Links to two to four pictures of it, or to one clip."""
    element_input_audio_urls: list[Address] | None = None
    """The link to a sample of the voice, 5 to 30 seconds long."""


class Kling30OmniTransformation(CatalogRequest, title="Kling 3.0 Omni Transformation"):
    """A video changed as the prompt says, with up to four reference pictures (kling-3.0-omni/transformation)."""

    usual_seconds: ClassVar[float] = 240.0
    cast_into: ClassVar[str | None] = "elements"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("duration", "needs", "image_urls"),)
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "a video only",
            ("prompt", "video_urls"),
            ("aspect_ratio", "audio", "elements", "prompt", "resolution", "video_urls"),
            limits={},
            values={"aspect_ratio": ("auto",)},
        ),
        Variant(
            "a video and images",
            ("prompt", "image_urls", "video_urls"),
            (
                "aspect_ratio",
                "audio",
                "duration",
                "elements",
                "image_urls",
                "prompt",
                "resolution",
                "video_urls",
            ),
            limits={},
            values={"aspect_ratio": ("16:9", "9:16", "1:1")},
        ),
    )

    model: Literal["kling-3.0-omni/transformation"] = "kling-3.0-omni/transformation"
    prompt: Annotated[str, Field(min_length=1, max_length=3072), NotBlank]
    """What to change, in words."""
    video_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to the one clip to change."""
    image_urls: Annotated[list[Address], Field(max_length=4)] | None = None
    """Links to the pictures to work from."""
    duration: str | None = None
    """Length of the video, in seconds; only with pictures."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "auto"] = "16:9"
    """Width to height of the result."""
    audio: bool | None = None
    """Adds sound to the video."""
    elements: list[Kling30OmniTransformationElement] | None = None
    """People or things to use in the video; write @name in the prompt for each."""


class Kling30MotionControl(CatalogRequest, title="Kling-3.0 motion-control"):
    """A video in which a pictured character moves as the person in a clip does (kling-3.0/motion-control)."""

    usual_seconds: ClassVar[float] = 240.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "input_urls"),)

    model: Literal["kling-3.0/motion-control"] = "kling-3.0/motion-control"
    prompt: str | None = None
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(min_length=1)] | None = None
    """The link to the picture of the character."""
    video_urls: Annotated[list[Address], Field(min_length=1)]
    """The link to the clip whose motion to copy."""
    mode: str | None = None
    """The quality: std for 720p, pro for 1080p."""
    character_orientation: Literal["video", "image"] | None = None
    """Faces as in the clip (video, the default) or as in the picture (image)."""
    background_source: Literal["input_video", "input_image"] | None = None
    """Takes the setting from the clip (input_video, the default) or the picture (input_image)."""


class Kling30VideoMultiPrompt(Part):
    """One of `multi_prompt` of kling-3.0/video."""

    prompt: Annotated[str, Field(min_length=1, max_length=500), NotBlank]
    """What happens in the shot, in words."""
    duration: Annotated[int, Field(ge=1, le=12), IsNumber]
    """Length of the shot, in seconds."""


class Kling30VideoKlingElement(Part):
    """One of `kling_elements` of kling-3.0/video."""

    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name to use in the prompt, written here without the @."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the person or thing is, in words."""
    element_input_urls: Annotated[list[Address], Field(min_length=1)]
    """Links to two to four pictures of it, or to one clip."""
    element_input_audio_urls: list[Address] | None = None
    """The link to a sample of the voice, 5 to 30 seconds long."""
    start_time: Annotated[int, IsNumber] | None = None
    """Where the part of the clip to use starts, in milliseconds."""
    end_time: Annotated[int, IsNumber] | None = None
    """Where the part of the clip to use ends, in milliseconds."""


class Kling30Video(CatalogRequest, title="Kling 3.0"):
    """A video of 3 to 15 seconds, with sound or several shots, from a prompt or frames (kling-3.0/video)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset(
        {"aspect_ratio", "duration", "mode", "multi_prompt", "multi_shots", "sound"}
    )
    cast_into: ClassVar[str | None] = "kling_elements"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("multi_shots=true", "needs", "multi_prompt"),
        ("kling_elements", "needs", "image_urls"),
    )

    model: Literal["kling-3.0/video"] = "kling-3.0/video"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to film, in words; not used with multi_shots, which has prompts of its own."""
    image_urls: Annotated[list[Address], Field(max_length=2)] | None = None
    """The first frame, or the first and last; only the first with multi_shots; needed for elements."""
    sound: bool = False
    """Adds sound to the video; Kie turns it on by default with multi_shots."""
    duration: Annotated[
        Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"], NumberAsText
    ] = "5"
    """Length of the result, in seconds."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Width to height of the video; taken from the pictures if you give any."""
    mode: Literal["std", "pro", "4K"] = "pro"
    """The quality: std, pro, or 4K; higher costs more."""
    multi_shots: bool = False
    """Tells the video in several shots instead of one."""
    multi_prompt: Annotated[list[Kling30VideoMultiPrompt], Field(max_length=5)] = []
    """Up to five shots of 1 to 12 seconds each, used with multi_shots; otherwise an empty list."""
    kling_elements: Annotated[list[Kling30VideoKlingElement], Field(max_length=3)] | None = None
    """People or things to use in the video; write @name in the prompt for each."""


class KlingAiAvatarPro(CatalogRequest, title="Kling AI Avatar Pro"):
    """A video of a pictured person speaking a recording, at the higher quality (kling/ai-avatar-pro)."""

    usual_seconds: ClassVar[float] = 240.0

    model: Literal["kling/ai-avatar-pro"] = "kling/ai-avatar-pro"
    image_url: Address
    """The link to a picture of the person who speaks."""
    audio_url: Address
    """The link to the recording to speak, up to 100 MB and 5 minutes."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""


class KlingAiAvatarStandard(CatalogRequest, title="Kling AI Avatar Standard"):
    """A video of a pictured person speaking a recording (kling/ai-avatar-standard)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["kling/ai-avatar-standard"] = "kling/ai-avatar-standard"
    image_url: Address
    """The link to a picture of the person who speaks."""
    audio_url: Address
    """The link to the recording to speak, up to 100 MB and 5 minutes."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""


class KlingV21MasterImageToVideo(CatalogRequest, title="Kling V2.1 Master Image to Video"):
    """A video of 5 or 10 seconds from a prompt and a first frame, at the best quality of 2.1 (kling/v2-1-master-image-to-video)."""

    usual_seconds: ClassVar[float] = 240.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-1-master-image-to-video"] = "kling/v2-1-master-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""


class KlingV21MasterTextToVideo(CatalogRequest, title="Kling V2.1 Master Text to Video"):
    """A video of 5 or 10 seconds from a prompt, at the best quality of 2.1 (kling/v2-1-master-text-to-video)."""

    usual_seconds: ClassVar[float] = 240.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-1-master-text-to-video"] = "kling/v2-1-master-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Width to height of the result."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""


class KlingV21Pro(CatalogRequest, title="Kling V2.1 Pro"):
    """A video of 5 or 10 seconds from a prompt, a first frame, and optionally a last one (kling/v2-1-pro)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-1-pro"] = "kling/v2-1-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""
    tail_image_url: Address | None = None
    """The link to the picture the video ends with."""


class KlingV21Standard(CatalogRequest, title="Kling V2.1 Standard"):
    """A video of 5 or 10 seconds from a prompt and a first frame, at the lowest price of 2.1 (kling/v2-1-standard)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-1-standard"] = "kling/v2-1-standard"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""


class KlingV25TurboImageToVideoPro(CatalogRequest, title="Kling - V2.5 Turbo Image to Video Pro"):
    """A video of 5 or 10 seconds from a prompt, a first frame, and optionally a last one (kling/v2-5-turbo-image-to-video-pro)."""

    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-5-turbo-image-to-video-pro"] = "kling/v2-5-turbo-image-to-video-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=2500), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    tail_image_url: Address | None = None
    """The link to the picture the video ends with."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""


class KlingV25TurboTextToVideoPro(CatalogRequest, title="Kling - V2.5 Turbo Text to Video Pro"):
    """A video of 5 or 10 seconds from a prompt (kling/v2-5-turbo-text-to-video-pro)."""

    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["kling/v2-5-turbo-text-to-video-pro"] = "kling/v2-5-turbo-text-to-video-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=2500), NotBlank]
    """What to make, in words."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    """Width to height of the result."""
    negative_prompt: Annotated[str, Field(max_length=2500)] | None = None
    """What to keep out of the result, in words."""
    cfg_scale: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How strictly to follow the prompt, from 0 (loosely) to 1 (closely)."""


class KlingV3TurboImageToVideo(CatalogRequest, title="Kling - V3 Turbo Image to Video"):
    """A video of 3 to 15 seconds, up to 1080p, from a prompt and a picture (kling/v3-turbo-image-to-video)."""

    usual_seconds: ClassVar[float] = 110.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "resolution"})

    model: Literal["kling/v3-turbo-image-to-video"] = "kling/v3-turbo-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=2500), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1)]
    """Links to the pictures to work from."""
    duration: Annotated[
        Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"], NumberAsText
    ] = "5"
    """Length of the video, 3 to 15 seconds."""
    resolution: Literal["720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""


class KlingV3TurboTextToVideo(CatalogRequest, title="Kling - V3 Turbo Text to Video"):
    """A video of 3 to 15 seconds, up to 1080p, from a prompt (kling/v3-turbo-text-to-video)."""

    usual_seconds: ClassVar[float] = 110.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "duration", "resolution"})

    model: Literal["kling/v3-turbo-text-to-video"] = "kling/v3-turbo-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=2500), NotBlank]
    """What to make, in words."""
    duration: Annotated[
        Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"], NumberAsText
    ] = "5"
    """Length of the video, 3 to 15 seconds."""
    aspect_ratio: Literal["1:1", "9:16", "16:9"] = "16:9"
    """Width to height of the result."""
    resolution: Literal["720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
