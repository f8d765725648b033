"""Requests of the family pixverse.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
)
from prefect_kie.models.rules import CatalogRequest, Part, Variant


class PixverseV6Extend(CatalogRequest, title="PixVerse V6 Video Extension"):
    """A video continued by 1 to 15 seconds (pixverse-v6/extend)."""

    usual_seconds: ClassVar[float] = 100.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("any-of", "taskId", "video_url"),
        ("taskId", "excludes", "video_url"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant(
            "by task",
            ("prompt", "duration", "quality", "taskId"),
            ("duration", "generate_audio_switch", "prompt", "quality", "seed", "taskId"),
            limits={},
            values={},
        ),
        Variant(
            "by URL",
            ("prompt", "duration", "quality", "video_url"),
            ("duration", "generate_audio_switch", "prompt", "quality", "seed", "video_url"),
            limits={},
            values={},
        ),
    )

    model: Literal["pixverse-v6/extend"] = "pixverse-v6/extend"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What happens next, in words."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber]
    """How much to add, 1 to 15 seconds."""
    quality: Literal["360p", "540p", "720p", "1080p"]
    """How fine or large the result is; higher may cost more."""
    generate_audio_switch: bool | None = None
    """Adds sound to the video."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    taskId: str | None = None
    """The ID of your finished task that made the video; not with video_url."""
    video_url: Address | None = None
    """The link to the video to continue; not with taskId."""


class PixverseV6ImageToVideo(CatalogRequest, title="PixVerse V6 Image-to-Video"):
    """A video of 1 to 15 seconds, up to 1080p, from a prompt and up to two pictures (pixverse-v6/image-to-video)."""

    usual_seconds: ClassVar[float] = 100.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "quality"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("template_id", "excludes", "duration"),)

    model: Literal["pixverse-v6/image-to-video"] = "pixverse-v6/image-to-video"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=2)]
    """Links to up to two pictures, 20 MB each."""
    quality: Literal["360p", "540p", "720p", "1080p"] = "720p"
    """How fine or large the result is; higher may cost more."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber] = 5
    """Length of the video, 1 to 15 seconds; not with template_id, which sets it."""
    generate_audio_switch: bool = False
    """Adds sound to the video."""
    generate_multi_clip_switch: bool = False
    """Tells the video in several shots instead of one."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    template_id: (
        Annotated[
            Literal[
                "412736208886848",
                "411563216524736",
                "411316927927040",
                "411174903569216",
                "410999246341952",
                "408891141511104",
                "410317363057408",
                "410285445698304",
                "410133101388544",
                "409899296377728",
                "408897485909952",
                "408869061406656",
                "408661207662528",
                "409767750265728",
                "409766559675264",
                "409589071559552",
                "407804339389760",
                "407658863287616",
                "407474361215744",
                "407473438360320",
                "407467702283008",
                "385844572217469",
                "406428904874432",
                "406423682060736",
                "406411724685760",
                "406372274350528",
                "406218913317312",
                "406218479198656",
                "406064763308480",
                "406413607395776",
                "405662117814720",
                "406014934000064",
                "405658369331648",
                "405321470423488",
                "405175211454656",
                "404955806201792",
                "404820147974080",
                "398980393937856",
                "403916646846400",
                "403739217192896",
                "403560060358144",
                "403556618212098",
                "398965022284579",
                "402201060373270",
                "403085292466285",
                "402061828030966",
                "402888569901524",
                "402155676592228",
                "402047865383360",
                "402046136040202",
            ],
            NumberAsText,
        ]
        | None
    ) = None
    """The ID of an effect to apply; it also sets the length."""


class PixverseV6ReferenceToVideoImageReference(Part):
    """One of `image_references` of pixverse-v6/reference-to-video."""

    image_url: Address
    """The link to the picture."""
    type: Literal["subject", "background"] = "subject"
    """Whether it shows a subject or the background."""
    ref_name: Annotated[str, Field(min_length=1, max_length=30)] | None = None
    """The name to use in the prompt, written here without the @."""


class PixverseV6ReferenceToVideo(CatalogRequest, title="PixVerse V6 Fusion / Reference-to-Video"):
    """A video of 1 to 15 seconds from a prompt and up to seven named reference pictures (pixverse-v6/reference-to-video)."""

    usual_seconds: ClassVar[float] = 110.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "duration", "quality"})
    cast_into: ClassVar[str | None] = "image_references"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_references"),)

    model: Literal["pixverse-v6/reference-to-video"] = "pixverse-v6/reference-to-video"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    image_references: (
        Annotated[list[PixverseV6ReferenceToVideoImageReference], Field(min_length=1, max_length=7)] | None
    ) = None
    """The pictures to use in the video; write @ and the name in the prompt for each."""
    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16", "2:3", "3:2", "21:9"] = "16:9"
    """Width to height of the result."""
    quality: Literal["360p", "540p", "720p", "1080p"] = "720p"
    """How fine or large the result is; higher may cost more."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    generate_audio_switch: bool = False
    """Adds sound to the video."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class PixverseV6TextToVideo(CatalogRequest, title="PixVerse 6"):
    """A video of 1 to 15 seconds, up to 1080p, from a prompt (pixverse-v6/text-to-video)."""

    usual_seconds: ClassVar[float] = 100.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "duration", "quality"})

    model: Literal["pixverse-v6/text-to-video"] = "pixverse-v6/text-to-video"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16", "2:3", "3:2", "21:9"] = "16:9"
    """Width to height of the result."""
    quality: Literal["360p", "540p", "720p", "1080p"] = "720p"
    """How fine or large the result is; higher may cost more."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    generate_audio_switch: bool = False
    """Adds sound to the video."""
    generate_multi_clip_switch: bool = False
    """Tells the video in several shots instead of one."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class PixverseV6Transition(CatalogRequest, title="PixVerse V6 First & Last Frame Transition"):
    """A video of 1 to 15 seconds that leads from one picture to another (pixverse-v6/transition)."""

    usual_seconds: ClassVar[float] = 100.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "quality"})

    model: Literal["pixverse-v6/transition"] = "pixverse-v6/transition"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    first_frame_image_url: Address
    """The link to the picture the video starts with."""
    last_frame_image_url: Address
    """The link to the picture the video ends with."""
    quality: Literal["360p", "540p", "720p", "1080p"] = "720p"
    """How fine or large the result is; higher may cost more."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    generate_audio_switch: bool = False
    """Adds sound to the video."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
