"""Requests of the family wan.

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
from prefect_kie.models.rules import CatalogRequest, Part


class Wan22A14bImageToVideoTurbo(CatalogRequest, title="Wan - 2.2 A14B Image to Video Turbo"):
    """A short video, up to 720p, from a prompt and a first frame (wan/2-2-a14b-image-to-video-turbo)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["wan/2-2-a14b-image-to-video-turbo"] = "wan/2-2-a14b-image-to-video-turbo"
    image_url: Address
    """The link to the picture to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["480p", "720p"] = "720p"
    """How large the result is; larger costs more."""
    enable_prompt_expansion: bool | None = None
    """Lets the model add detail to your prompt."""
    seed: Annotated[float, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""
    acceleration: Literal["none", "regular"] = "none"
    """Trades some quality for speed."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan22A14bSpeechToVideoTurbo(CatalogRequest, title="Wan - 2.2 A14B Speech to Video Turbo"):
    """A short video of a pictured person speaking a recording (wan/2-2-a14b-speech-to-video-turbo)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["wan/2-2-a14b-speech-to-video-turbo"] = "wan/2-2-a14b-speech-to-video-turbo"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to a picture of the person who speaks."""
    audio_url: Address
    """The link to the recording to speak."""
    num_frames: Annotated[float, Field(ge=40, le=120), IsNumber] = 80
    """How many frames the video has; with frames_per_second it sets the length."""
    frames_per_second: Annotated[float, Field(ge=4, le=60), IsNumber] = 16
    """Frames per second of the video."""
    resolution: Literal["480p", "580p", "720p"] = "480p"
    """How large the result is; larger costs more."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    num_inference_steps: Annotated[float, Field(ge=2, le=40), IsNumber] = 27
    """How many steps to spend; more take longer and give more detail."""
    guidance_scale: Annotated[float, Field(ge=1, le=10), IsNumber] = 3.5
    """How strictly to follow the prompt; higher is stricter."""
    shift: Annotated[float, Field(ge=1, le=10), IsNumber] = 5
    """How the work is spread over the steps; higher favours motion over detail."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan22A14bTextToVideoTurbo(CatalogRequest, title="Wan - 2.2 A14B Text to Video Turbo"):
    """A short video, up to 720p, from a prompt (wan/2-2-a14b-text-to-video-turbo)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["wan/2-2-a14b-text-to-video-turbo"] = "wan/2-2-a14b-text-to-video-turbo"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["480p", "720p"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    """Width to height of the result."""
    enable_prompt_expansion: bool | None = None
    """Lets the model add detail to your prompt."""
    seed: Annotated[float, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""
    acceleration: Literal["none", "regular"] = "none"
    """Trades some quality for speed."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan22AnimateMove(CatalogRequest, title="Wan - Animate Move"):
    """A video in which a pictured character moves as the person in a clip does (wan/2-2-animate-move)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-2-animate-move"] = "wan/2-2-animate-move"
    video_url: Address
    """The link to the clip whose motion to copy."""
    image_url: Address
    """The link to a picture of the character."""
    resolution: Literal["480p", "580p", "720p"] = "480p"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan22AnimateReplace(CatalogRequest, title="Wan - Animate Replace"):
    """A video whose person is replaced by a pictured character (wan/2-2-animate-replace)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-2-animate-replace"] = "wan/2-2-animate-replace"
    video_url: Address
    """The link to the clip whose person to replace."""
    image_url: Address
    """The link to a picture of the new character."""
    resolution: Literal["480p", "580p", "720p"] = "480p"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan25ImageToVideo(CatalogRequest, title="Wan 2.5 - Image to Video"):
    """A video of 5 or 10 seconds, up to 1080p, from a prompt and a first frame (wan/2-5-image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-5-image-to-video"] = "wan/2-5-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=800), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["5", "10"], NumberAsText]
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p"]
    """How large the result is; larger costs more."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    enable_prompt_expansion: bool | None = None
    """Lets the model add detail to your prompt."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan25TextToVideo(CatalogRequest, title="Wan 2.5 - Text to Video"):
    """A video of 5 or 10 seconds, up to 1080p, from a prompt (wan/2-5-text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-5-text-to-video"] = "wan/2-5-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=800), NotBlank]
    """What to make, in words."""
    duration: Annotated[Literal["5", "10"], NumberAsText]
    """Length of the result, in seconds."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    """Width to height of the result."""
    resolution: Literal["720p", "1080p"]
    """How large the result is; larger costs more."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    enable_prompt_expansion: bool | None = None
    """Lets the model add detail to your prompt."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan26ImageToVideo(CatalogRequest, title="Wan 2.6 - Image to Video"):
    """A video of 5, 10, or 15 seconds, in one or several shots, from a prompt and a picture (wan/2-6-image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-6-image-to-video"] = "wan/2-6-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to one picture, which the video starts with."""
    duration: Annotated[Literal["5", "10", "15"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    multi_shots: bool = False
    """Tells the video in several shots instead of one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan26TextToVideo(CatalogRequest, title="Wan 2.6 - Text to Video"):
    """A video of 5, 10, or 15 seconds, in one or several shots, from a prompt (wan/2-6-text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-6-text-to-video"] = "wan/2-6-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    duration: Annotated[Literal["5", "10", "15"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    multi_shots: bool = False
    """Tells the video in several shots instead of one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan26VideoToVideo(CatalogRequest, title="Wan 2.6 - Video to Video"):
    """A video of 5 or 10 seconds from a prompt and up to three reference clips (wan/2-6-video-to-video)."""

    usual_seconds: ClassVar[float] = 200.0
    cast_into: ClassVar[str | None] = "video_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "video_urls"),)

    model: Literal["wan/2-6-video-to-video"] = "wan/2-6-video-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    video_urls: Annotated[list[Address], Field(min_length=1, max_length=3)] | None = None
    """Links to the clips to work from."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    multi_shots: bool = False
    """Tells the video in several shots instead of one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27ImageColorPalette(Part):
    """One of `color_palette` of wan/2-7-image."""

    hex: Annotated[str, Field(min_length=1), NotBlank]
    """The colour, written like #1A2B3C."""
    ratio: Annotated[str, Field(min_length=1), NotBlank]
    """The colour's share of the picture, written like 25.00%."""


class Wan27Image(CatalogRequest, title="Wan 2.7 Image"):
    """Pictures, up to 4K, from a prompt and up to nine pictures (wan/2-7-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("thinking_mode=true", "excludes", "enable_sequential=true"),
        ("thinking_mode=true", "excludes", "input_urls"),
        ("color_palette", "excludes", "enable_sequential=true"),
        ("bbox_list", "needs", "input_urls"),
    )

    model: Literal["wan/2-7-image"] = "wan/2-7-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: Literal["1:1", "16:9", "4:3", "21:9", "3:4", "9:16", "8:1", "1:8"] | None = None
    """Width to height of the result."""
    enable_sequential: bool = False
    """Makes a series of pictures that belong together."""
    n: Annotated[int, Field(ge=1, le=12), IsNumber] | None = None
    """How many pictures to make, 1 to 4 (default 4); in a series 1 to 12 (default 12)."""
    resolution: Literal["1K", "2K", "4K"] = "2K"
    """How large the result is; larger costs more."""
    thinking_mode: bool = False
    """Lets the model think first; not for a series or with source pictures."""
    color_palette: Annotated[list[Wan27ImageColorPalette], Field(min_length=3, max_length=10)] | None = None
    """Three to ten colours to use, with the share of each; not for a series."""
    bbox_list: (
        list[
            Annotated[
                list[Annotated[list[Annotated[int, IsNumber]], Field(min_length=4, max_length=4)]],
                Field(max_length=2),
            ]
        ]
        | None
    ) = None
    """The areas to edit: for each source picture a list of up to two boxes."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27ImageProColorPalette(Part):
    """One of `color_palette` of wan/2-7-image-pro."""

    hex: Annotated[str, Field(min_length=1), NotBlank]
    """The colour, written like #1A2B3C."""
    ratio: Annotated[str, Field(min_length=1), NotBlank]
    """The colour's share of the picture, written like 25.00%."""


class Wan27ImagePro(CatalogRequest, title="Wan 2.7"):
    """Pictures, up to 4K, from a prompt and up to nine pictures; the dearer tier (wan/2-7-image-pro)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("thinking_mode=true", "excludes", "enable_sequential=true"),
        ("thinking_mode=true", "excludes", "input_urls"),
        ("color_palette", "excludes", "enable_sequential=true"),
        ("bbox_list", "needs", "input_urls"),
        ("resolution=4K", "excludes", "input_urls"),
    )

    model: Literal["wan/2-7-image-pro"] = "wan/2-7-image-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: Literal["1:1", "16:9", "4:3", "21:9", "3:4", "9:16", "8:1", "1:8"] | None = None
    """Width to height of the result."""
    enable_sequential: bool = False
    """Makes a series of pictures that belong together."""
    n: Annotated[int, Field(ge=1, le=12), IsNumber] | None = None
    """How many pictures to make, 1 to 4 (default 4); in a series 1 to 12 (default 12)."""
    resolution: Literal["1K", "2K", "4K"] = "2K"
    """How large the pictures are; 4K only from a prompt alone."""
    thinking_mode: bool = False
    """Lets the model think first; not for a series or with source pictures."""
    color_palette: Annotated[list[Wan27ImageProColorPalette], Field(min_length=3, max_length=10)] | None = (
        None
    )
    """Three to ten colours to use, with the share of each; not for a series."""
    bbox_list: (
        list[
            Annotated[
                list[Annotated[list[Annotated[int, IsNumber]], Field(min_length=4, max_length=4)]],
                Field(max_length=2),
            ]
        ]
        | None
    ) = None
    """The areas to edit: for each source picture a list of up to two boxes."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27ImageToVideo(CatalogRequest, title="Wan 2.7 - Image to Video"):
    """A video of 2 to 15 seconds from a prompt with frames, an opening clip, or a recording (wan/2-7-image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-7-image-to-video"] = "wan/2-7-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    first_frame_url: Address | None = None
    """The link to the picture the video starts with."""
    last_frame_url: Address | None = None
    """The link to the picture the video ends with."""
    first_clip_url: Address | None = None
    """The link to a clip the video starts with and continues."""
    driving_audio_url: Address | None = None
    """The link to a recording for the video to follow."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    duration: Annotated[int, Field(ge=2, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27R2v(CatalogRequest, title="Wan 2.7 - Reference to Video"):
    """A video of 2 to 10 seconds from a prompt and up to five reference pictures and clips (wan/2-7-r2v)."""

    usual_seconds: ClassVar[float] = 200.0
    cast_into: ClassVar[str | None] = "reference_image"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("any-of", "reference_image", "reference_video"),)

    model: Literal["wan/2-7-r2v"] = "wan/2-7-r2v"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    reference_image: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to pictures; with the clips of reference_video at least one and at most five."""
    reference_video: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to clips; with the pictures of reference_image at least one and at most five."""
    first_frame: Address | None = None
    """The link to the picture the video starts with."""
    reference_voice: Address | None = None
    """The link to a sample of the voice to use."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    """Width to height of the video; ignored with first_frame."""
    duration: Annotated[int, Field(ge=2, le=10), IsNumber] = 5
    """Length of the result, in seconds."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27TextToVideo(CatalogRequest, title="Wan 2.7 - Text to Video"):
    """A video of 2 to 15 seconds, up to 1080p, from a prompt and optionally a soundtrack (wan/2-7-text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["wan/2-7-text-to-video"] = "wan/2-7-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    audio_url: Address | None = None
    """The link to a recording to use as the soundtrack."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[int, Field(ge=2, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan27Videoedit(CatalogRequest, title="Wan 2.7 - Video Edit"):
    """A video edited as the prompt says, whole or up to 10 seconds of it (wan/2-7-videoedit)."""

    usual_seconds: ClassVar[float] = 200.0
    cast_into: ClassVar[str | None] = "reference_image"

    model: Literal["wan/2-7-videoedit"] = "wan/2-7-videoedit"
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to change, in words."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    video_url: Address
    """The link to the video to work from."""
    reference_image: Address | None = None
    """The link to a picture of a person, thing, or look to use."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = None
    """Width to height of the result."""
    duration: Annotated[Literal[0, 2, 3, 4, 5, 6, 7, 8, 9, 10], TextAsNumber] = 0
    """How much of the video to edit, 2 to 10 seconds; 0 edits all of it."""
    audio_setting: Literal["auto", "origin"] = "auto"
    """Whether to keep the original sound (origin) or let the model decide (auto)."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    watermark: bool = False
    """Marks the result with a watermark."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan30Video(CatalogRequest, title="Wan 3.0"):
    """A video of 2 to 30 seconds, with sound, from a prompt, frames, or reference media (wan/3-0-video)."""

    usual_seconds: ClassVar[float] = 210.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        (
            "any-of",
            "prompt",
            "first_frame_url",
            "last_frame_url",
            "reference_image_urls",
            "reference_video_urls",
            "reference_audio_urls",
            "reference_file_urls",
            "reference_link_urls",
        ),
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("first_frame_url", "excludes", "reference_file_urls"),
        ("first_frame_url", "excludes", "reference_link_urls"),
        ("last_frame_url", "excludes", "reference_image_urls"),
        ("last_frame_url", "excludes", "reference_video_urls"),
        ("last_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "excludes", "reference_file_urls"),
        ("last_frame_url", "excludes", "reference_link_urls"),
        ("reference_file_urls", "excludes", "reference_link_urls"),
    )

    model: Literal["wan/3-0-video"] = "wan/3-0-video"
    prompt: Annotated[str, Field(max_length=20000)] | None = None
    """What to film, in words; needed unless you give pictures, clips, or other media."""
    first_frame_url: Address | None = None
    """The link to the picture the video starts with."""
    last_frame_url: Address | None = None
    """The link to the picture the video ends with."""
    reference_image_urls: Annotated[list[Address], Field(max_length=10)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    reference_file_urls: Annotated[list[Address], Field(max_length=1)] | None = None
    """The link to a file to take content from."""
    reference_link_urls: Annotated[list[Address], Field(max_length=1)] | None = None
    """The address of a web page to take content from."""
    resolution: Literal["480P", "720P", "1080P"] = "1080P"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["adaptive", "16:9", "4:3", "1:1", "3:4", "9:16"] = "adaptive"
    """Width to height of the result."""
    duration: Annotated[
        Literal[
            -1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
            16,
            17,
            18,
            19,
            20,
            21,
            22,
            23,
            24,
            25,
            26,
            27,
            28,
            29,
            30,
        ],
        TextAsNumber,
    ] = 5
    """Length of the video, 2 to 30 seconds; -1 lets the model choose."""
    audio: bool = True
    """Adds sound to the video."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Wan30VideoPrime(CatalogRequest, title="wan/3-0-video-prime"):
    """A video of 2 to 30 seconds, with sound, from a prompt, frames, or references; the dearer tier (wan/3-0-video-prime)."""

    usual_seconds: ClassVar[float] = 240.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        (
            "any-of",
            "prompt",
            "first_frame_url",
            "last_frame_url",
            "reference_image_urls",
            "reference_video_urls",
            "reference_audio_urls",
            "reference_file_urls",
            "reference_link_urls",
        ),
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("first_frame_url", "excludes", "reference_file_urls"),
        ("first_frame_url", "excludes", "reference_link_urls"),
        ("last_frame_url", "excludes", "reference_image_urls"),
        ("last_frame_url", "excludes", "reference_video_urls"),
        ("last_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "excludes", "reference_file_urls"),
        ("last_frame_url", "excludes", "reference_link_urls"),
        ("reference_file_urls", "excludes", "reference_link_urls"),
    )

    model: Literal["wan/3-0-video-prime"] = "wan/3-0-video-prime"
    prompt: Annotated[str, Field(max_length=20000)] | None = None
    """What to film, in words; needed unless you give pictures, clips, or other media."""
    first_frame_url: Address | None = None
    """The link to the picture the video starts with."""
    last_frame_url: Address | None = None
    """The link to the picture the video ends with."""
    reference_image_urls: Annotated[list[Address], Field(max_length=10)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    reference_file_urls: Annotated[list[Address], Field(max_length=1)] | None = None
    """The link to a file to take content from."""
    reference_link_urls: Annotated[list[Address], Field(max_length=1)] | None = None
    """The address of a web page to take content from."""
    resolution: Literal["480P", "720P", "1080P"] = "1080P"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["adaptive", "16:9", "4:3", "1:1", "3:4", "9:16"] = "adaptive"
    """Width to height of the result."""
    duration: Annotated[
        Literal[
            -1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
            16,
            17,
            18,
            19,
            20,
            21,
            22,
            23,
            24,
            25,
            26,
            27,
            28,
            29,
            30,
        ],
        TextAsNumber,
    ] = 5
    """Length of the video, 2 to 30 seconds; -1 lets the model choose."""
    audio: bool = True
    """Adds sound to the video."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
