"""References in createTask: accepted up to what each model takes, and refused beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import World
from .test_every_model import LIVE, least

Given = dict[str, Any]
NAMES = ["mia", "otto", "ada", "li", "zoe", "max", "eva", "tom", "amy", "joe"]


def picture(number: int = 0) -> str:
    return f"https://files.example/{number}.png"


def pictures(count: int) -> list[str]:
    return [picture(number) for number in range(count)]


CLIP, VOICE = "https://files.example/clip.mp4", "https://files.example/voice.mp3"


def element(name: str, *urls: str, **fields: Any) -> Given:
    return {
        "name": name,
        "description": "a person",
        "element_input_urls": list(urls or pictures(2)),
        **fields,
    }


def clips(*names: str, **fields: Any) -> list[Given]:
    return [element(name, CLIP, **fields) for name in names]


def cast(count: int) -> list[Given]:
    return [element(name) for name in NAMES[:count]]


def mentions(count: int) -> str:
    return "on the beach: " + " ".join(f"@{name} ," for name in NAMES[:count])


def named(count: int) -> list[Given]:
    return [{"image_url": picture(), "ref_name": name} for name in NAMES[:count]]


def listed(field: str, **beside: Any) -> Callable[[int], Given]:
    return lambda count: {field: pictures(count), **beside}


FRAME = {"image_urls": [picture()]}
KLING, OMNI = "kling-3.0/video", "kling-3.0-omni/"
PIXVERSE, SEEDANCE, WAN = "pixverse-v6/reference-to-video", "bytedance/seedance-2", "wan/3-0-video"
CASTS: dict[str, tuple[int, Callable[[int], Given]]] = {  # the most characters, and the fields for so many
    KLING: (3, lambda n: {"kling_elements": cast(n), "prompt": mentions(n), **FRAME}),
    f"{OMNI}image-to-video": (3, lambda n: {"elements": cast(n), "prompt": mentions(n), **FRAME}),
    # One of the seven is the picture that its schema asks for.
    f"{OMNI}reference-to-video": (6, lambda n: {"elements": cast(n), "prompt": mentions(n), **FRAME}),
    f"{OMNI}text-to-video": (7, lambda n: {"elements": cast(n), "prompt": mentions(n)}),
    f"{OMNI}transformation": (
        4,
        lambda n: {"elements": cast(n), "prompt": mentions(n), "video_urls": [CLIP]},
    ),
    PIXVERSE: (7, lambda n: {"image_references": named(n), "prompt": mentions(n)}),
    **dict.fromkeys((SEEDANCE, f"{SEEDANCE}-fast", f"{SEEDANCE}-mini"), (9, listed("reference_image_urls"))),
    f"{SEEDANCE}-5": (30, listed("reference_image_urls")),
    **dict.fromkeys((WAN, f"{WAN}-prime"), (10, listed("reference_image_urls"))),
    "wan/2-7-r2v": (5, lambda n: {"reference_image": pictures(n - 1), "reference_video": [CLIP]}),
    "wan/2-6-video-to-video": (3, lambda n: {"video_urls": [CLIP] * n}),
    "minimax-h3/reference-to-video": (9, listed("reference_image_urls")),
    "happyhorse-1-1/reference-to-video": (9, listed("reference_image")),
    "happyhorse/reference-to-video": (9, listed("reference_image")),
    "veo-3-1": (3, listed("image_urls", generation_type="REFERENCE_2_VIDEO", duration=8)),
    "grok-imagine/image-to-video": (7, listed("image_urls")),
    "grok-imagine-video-1-5-preview": (7, listed("image_urls")),
}


def body(model: str, **fields: Any) -> Given:
    return {"model": model, "input": {**least(LIVE[model]), **fields}}


@pytest.mark.parametrize("model", CASTS)
async def test_one_two_and_the_most_are_taken_and_one_more_is_refused(world: World, model: str) -> None:
    await world.client.patch("/_sim/settings", json={"credits": 1e6})
    most, fields = CASTS[model]
    for count in (1, 2, most):
        await world.created(body(model, **fields(count)))
    answer = await world.create(body(model, **fields(most + 1)))
    assert (answer["code"], answer["data"]) == (422, None)
    stats = await world.stats()
    assert (stats["created"], stats["rejected"], stats["violations"]) == (3, 1, 1)


FILES = "element_input_urls must hold 2 to 4 pictures or exactly 1 video"
REFERENCES = f"{OMNI}reference-to-video"
SHOT = {"multi_shots": True, "image_urls": [picture()], "kling_elements": cast(1)}


def shots(prompt: str) -> Given:
    return {"multi_prompt": [{"prompt": prompt, "duration": 3}]}


REFUSED: list[tuple[str, Given, str]] = [
    (KLING, {"prompt": "@mia waves"}, "prompt mentions @mia, but kling_elements has no such name"),
    (KLING, {"kling_elements": cast(1), "prompt": "@mia waves"}, "kling_elements requires image_urls"),
    (KLING, {"kling_elements": cast(1), "prompt": "@mia2 waves", **FRAME}, "prompt mentions @mia2"),
    (KLING, {**SHOT, **shots("@otto waves")}, "prompt mentions @otto"),
    (KLING, {**SHOT, **shots("x" * 464 + "@mia ")}, "multi_prompt prompt length cannot exceed 500"),
    (
        KLING,
        {**SHOT, "image_urls": pictures(2), **shots("@mia ")},
        "image_urls cannot have more than 1 items",
    ),
    (KLING, {"kling_elements": [*cast(1), *cast(1)], **FRAME}, "kling_elements name must be unique: mia"),
    (KLING, {"kling_elements": [element("@mia")], **FRAME}, "kling_elements name cannot contain @"),
    (KLING, {"kling_elements": [element("mia", picture())], **FRAME}, f"kling_elements {FILES}"),
    (KLING, {"kling_elements": [element("mia", *pictures(5))], **FRAME}, f"kling_elements {FILES}"),
    (KLING, {"kling_elements": [element("mia", CLIP, CLIP)], **FRAME}, f"kling_elements {FILES}"),
    (
        KLING,
        {"kling_elements": [element("mia", CLIP, picture())], **FRAME},
        "kling_elements element_input_urls cannot mix pictures and a video",
    ),
    (
        KLING,
        {"kling_elements": [element("mia", element_input_audio_urls=[VOICE, VOICE])], **FRAME},
        "kling_elements element_input_audio_urls cannot have more than 1 item",
    ),
    (
        KLING,
        {"kling_elements": [element("mia", start_time=0, end_time=3000)], **FRAME},
        "kling_elements start_time is only allowed with a video",
    ),
    *(
        (
            KLING,
            {"kling_elements": clips("mia", start_time=start, end_time=end), **FRAME},
            "kling_elements end_time - start_time must be between 3000 and 8000 milliseconds",
        )
        for start, end in [(1000, 3999), (1000, 9001), (5000, 1000), (-1, 3000)]
    ),
    (f"{OMNI}text-to-video", {"elements": clips("mia", end_time=5000)}, "elements end_time is not allowed"),
    (f"{OMNI}text-to-video", {"elements": clips(*NAMES[:4])}, "elements: up to 7 images"),
    (f"{OMNI}text-to-video", {"elements": [*cast(5), *clips("joe")]}, "elements: up to 7 images"),
    (REFERENCES, {"elements": cast(1), "image_urls": pictures(7)}, "elements: up to 7 images"),
    (
        REFERENCES,
        {"elements": cast(3), "image_urls": pictures(2), "video_urls": [CLIP], "audio": False},
        "elements beside video_urls",
    ),
    (
        REFERENCES,
        {"elements": clips("mia"), "image_urls": pictures(1), "video_urls": [CLIP], "audio": False},
        "elements beside video_urls",
    ),
    (PIXVERSE, {"image_references": named(1) * 2}, "image_references ref_name must be unique: mia"),
    (PIXVERSE, {"image_references": named(2), "prompt": "@mia and @zoe"}, "prompt mentions @zoe"),
    (SEEDANCE, {"first_frame_url": picture(), "reference_image_urls": pictures(1)}, "first_frame_url cannot"),
    (
        WAN,
        {"first_frame_url": picture(), "reference_image_urls": pictures(1)},
        "first_frame_url cannot be used",
    ),
    (WAN, {"last_frame_url": picture(), "reference_video_urls": [CLIP]}, "last_frame_url cannot be used"),
    (
        WAN,
        {"reference_file_urls": [CLIP], "reference_link_urls": [CLIP]},
        "reference_file_urls cannot be used",
    ),
    (WAN, {"reference_audio_urls": [VOICE]}, "reference_audio_urls requires reference_image_urls"),
    ("wan/2-7-r2v", {"reference_image": pictures(5), "reference_video": [CLIP]}, "reference_image and"),
    (
        "veo-3-1",
        {"generation_type": "REFERENCE_2_VIDEO", "duration": 8},
        "generation_type=REFERENCE_2_VIDEO requires image_urls",
    ),
    (
        "grok-imagine/image-to-video",
        {"image_urls": pictures(2), "resolution": "1080p"},
        "image_urls cannot have",
    ),
    ("kling-3.0/motion-control", {"input_urls": pictures(2), "video_urls": [CLIP]}, "input_urls cannot have"),
]


@pytest.mark.parametrize(("model", "fields", "words"), REFUSED)
async def test_what_a_model_does_not_take_is_refused(
    world: World, model: str, fields: Given, words: str
) -> None:
    answer = await world.create(body(model, **fields))
    assert answer["code"] == 422
    assert answer["msg"].startswith(words)
    assert (await world.stats())["violations"] == 1


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (KLING, {"kling_elements": clips("mia", start_time=1500, end_time=4500), "prompt": "@mia.", **FRAME}),
        (KLING, {"kling_elements": [element("mia", "https://files.example/unnamed")], **FRAME}),
        (KLING, {"kling_elements": [element("Mia B")], "prompt": "(@Mia B) a@b.example", **FRAME}),
        (KLING, {**SHOT, **shots("x" * 462 + "@mia ")}),
        (f"{OMNI}text-to-video", {"elements": [*cast(4), *clips("amy", "joe", "eve")]}),
        (
            REFERENCES,
            {
                "elements": clips("mia"),
                "image_urls": [],
                "video_urls": [CLIP],
                "aspect_ratio": "auto",
                "audio": False,
            },
        ),
        (PIXVERSE, {"image_references": [{"image_url": picture()}] * 2, "prompt": "two dogs"}),
        (SEEDANCE, {"reference_image_urls": ["asset://asset-1"], "prompt": "@Image1 waves"}),
        (WAN, {"first_frame_url": picture(), "last_frame_url": picture()}),
    ],
)
async def test_what_a_model_takes_is_no_violation(world: World, model: str, fields: Given) -> None:
    await world.created(body(model, **fields))
    assert (await world.stats())["violation_notes"] == []


GEMINI = ("gemini-omni-video", "google/gemini-omni-flash-1-1")


@pytest.mark.parametrize("model", GEMINI)
async def test_gemini_takes_characters(world: World, model: str) -> None:
    await world.client.patch("/_sim/settings", json={"credits": 1e6})
    ids = [f"char_{number}" for number in range(4)]
    for count in (1, 2, 3):
        await world.created(body(model, character_ids=ids[:count]))
    answer = await world.create(body(model, character_ids=ids))
    assert (answer["code"], answer["msg"]) == (422, "character_ids cannot have more than 3 items")


@pytest.mark.parametrize("model", GEMINI)
async def test_gemini_has_seven_slots(world: World, model: str) -> None:
    video = {"url": CLIP, "start": 1.5, "ends": 11.5}
    full: Given = {"character_ids": ["char_mia"], "image_urls": pictures(4), "video_list": [video]}
    await world.created(body(model, **full))
    too_long = {"video_list": [{**video, "ends": 11.6}]}
    for more in ({"image_urls": pictures(5)}, {"video_list": [video] * 2}, too_long):
        assert (await world.create(body(model, **full | more)))["code"] == 422
