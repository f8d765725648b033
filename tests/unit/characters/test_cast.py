"""What every model that keeps characters is sent for those that a prompt names, checked against facts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from prefect_kie.api import InvalidRequest
from prefect_kie.api.envelope import as_list
from prefect_kie.characters import cast
from prefect_kie.models import (
    Kling30OmniReferenceToVideo,
    Kling30Video,
    Sora2TextToVideo,
    Wan27R2v,
    request_class,
)
from prefect_kie.models.characters import characters_of_models, handles_in

from .data import FACTS, HANDLES, LEAST, address, asked, member, sent

each = pytest.mark.parametrize("model", FACTS)


def limit(model: str) -> int:
    """How many characters the smallest request of a model has room for."""
    # Its schema wants a picture of its own, which takes one of the seven places.
    return int(FACTS[model]["characters"]) - (model == "kling-3.0-omni/reference-to-video")


def listed(value: Any) -> list[Any]:
    return as_list(value) or [value]


def numbers(prompt: str, mention: str) -> list[int]:
    """The numbers of the references that a prompt mentions, in the order of their first mention."""
    pattern = re.escape(mention).replace(re.escape("{i}"), r"(\d+)")
    return list(dict.fromkeys(int(one) for one in re.findall(pattern, prompt)))


def test_there_are_facts_of_every_model_with_characters() -> None:
    sora = {model for model, keeps in characters_of_models().items() if keeps.way == "native"}
    assert set(characters_of_models()) - sora == set(FACTS)
    assert {model for model in sora if not model.startswith("sora-2")} == set()
    # What cannot have a prompt, or has no typed request, is none of them.
    assert not set(FACTS) - set(LEAST)


@each
@pytest.mark.parametrize("count", [1, 2, "most"])
def test_the_body_has_the_characters_as_the_model_documents_it(model: str, count: int | str) -> None:
    facts, most = FACTS[model], limit(model)
    count = most if isinstance(count, str) else min(count, most)
    handles = HANDLES[:count]
    given_ = [member(handle) for handle in reversed(HANDLES)]
    fields = sent(cast(asked(model, handles), given_))
    refs, prompt = listed(fields[facts["field"]]), fields["prompt"]
    least, per = facts["pictures"]

    if facts["mention"].strip() == "@{handle}":
        assert [one.get("name") or one.get("ref_name") for one in refs] == handles
        assert re.findall(r"@\w+(?: |$)", prompt) == [f"@{handle} " for handle in handles]
        urls = [one.get("element_input_urls") or [one["image_url"]] for one in refs]
        for handle, some in zip(handles, urls, strict=True):
            assert least <= len(some) == min(4, per)
            assert some == [address(f"{handle}-{number}.jpg") for number in range(1, len(some) + 1)]
        assert sum(map(len, urls)) <= facts["total"]
        return

    owners = [re.sub(r"(-\d)?\.\w+$", "", url.rpartition("/")[2]) for url in refs]
    assert list(dict.fromkeys(owners)) == handles == sorted(handles, key=owners.index)
    shares = [owners.count(handle) for handle in handles]
    if per == 0:  # clips
        assert refs == [address(f"{handle}.mp4") for handle in handles]
    else:
        total = facts["total"] or facts["characters"] * per
        assert len(refs) == min(total, count * min(4, per))
        assert max(shares) - min(shares) <= 1
        assert min(shares) >= least
        assert all(ref.endswith("-1.jpg") for ref in (refs[owners.index(handle)] for handle in handles))
    assert not handles_in(prompt)
    for handle in handles:
        assert handle.title() in prompt
    assert "calm cat" in prompt or model == "happyhorse-1-1/reference-to-video"
    if "{i}" in facts["mention"]:
        assert numbers(prompt, facts["mention"]) == list(range(1, len(refs) + 1))
        for number, handle in enumerate(owners, 1):
            word = facts["mention"].format(i=number)
            said = (
                rf"{re.escape(word)}(?!\d)[^.:]*{handle.title()}|{handle.title()} in [^@]*{re.escape(word)}"
            )
            assert re.search(said, prompt), (word, handle, prompt)


@each
def test_one_more_than_the_model_takes_is_refused_with_the_limit(model: str) -> None:
    request = asked(model, HANDLES[: limit(model) + 1])
    with pytest.raises(InvalidRequest, match=rf"(at most|room for) {limit(model)} characters") as caught:
        cast(request, [member(handle) for handle in HANDLES])
    assert "nothing was submitted" in str(caught.value)


@each
def test_the_requests_own_references_come_first_and_are_numbered_first(model: str) -> None:
    facts = FACTS[model]
    own, mention = address("own.jpg"), facts["mention"]
    if mention == "@{handle}":
        item = "image_url" if "pixverse" in model else "element_input_urls"
        name = "ref_name" if "pixverse" in model else "name"
        mine = {name: "room-1", item: own if item == "image_url" else [own, own]}
        mine |= {} if name == "ref_name" else {"description": "a room"}
        frame = {"image_urls": [own]} if facts["first_frame"] == "required" else {}
        request = asked(model, ["ba"], **{facts["field"]: [mine]}, **frame)
        assert [one.get(name) for one in sent(cast(request, [member("ba")]))[facts["field"]]] == [
            "room-1",
            "ba",
        ]
        return
    own = address("own.mp4") if facts["pictures"][1] == 0 else own
    single = "list[" not in str(request_class(model).model_fields[facts["field"]].annotation)
    request = asked(model, ["ba"], **{facts["field"]: own if single else [own]})
    if facts["characters"] == 1:
        with pytest.raises(InvalidRequest, match="room for 0 characters"):
            cast(request, [member("ba")])
        return
    fields = sent(cast(request, [member("ba")]))
    refs = fields[facts["field"]]
    assert refs[0] == own
    assert len(refs) > 1
    assert "own" not in str(refs[1:])
    if "{i}" in mention:
        assert numbers(fields["prompt"], mention) == list(range(2, len(refs) + 1))


@each
def test_a_first_frame_beside_references_is_told_where_the_model_excludes_it(model: str) -> None:
    first, fields = address("first.png"), request_class(model).model_fields
    name = next((one for one in ("first_frame_url", "first_frame") if one in fields), None)
    match FACTS[model]["first_frame"]:
        case "no" if name is not None:
            with pytest.raises(InvalidRequest, match=f"{name} and .* exclude each other"):
                cast(asked(model, ["ba"], **{name: first}), [member("ba")])
        case "yes":
            assert name is not None
            assert sent(cast(asked(model, ["ba"], **{name: first}), [member("ba")]))[name] == first
        case "required":
            with_own = asked(model, ["ba"], image_urls=[first])
            assert sent(cast(with_own, [member("ba")]))["image_urls"] == [first]
        case _:
            assert name is None


def test_kling_3_gets_a_first_frame_where_it_has_none() -> None:
    request = Kling30Video(prompt="@otto waves at @mia", multi_prompt=[])
    fields = sent(cast(request, [member("mia", 1), member("otto", 1)]))
    assert fields["image_urls"] == [address("otto-1.jpg")]
    # Of a single picture, the two that Kie wants.
    assert fields["kling_elements"][0]["element_input_urls"] == [address("otto-1.jpg")] * 2


def test_references_of_other_fields_take_the_same_places() -> None:
    wan = Wan27R2v(prompt="@mia", reference_video=[address("a.mp4"), address("b.mp4")])
    assert len(sent(cast(wan, [member("mia")]))["reference_image"]) == 3
    videos = [address(f"{number}.mp4") for number in range(5)]
    with pytest.raises(InvalidRequest, match="room for 0 characters"):
        cast(Wan27R2v(prompt="@mia", reference_video=videos), [member("mia")])
    handles, pictures = HANDLES[:4], [address(f"{number}.jpg") for number in range(4)]
    prompt = f"@{' @'.join(handles)}"
    kling = Kling30OmniReferenceToVideo(prompt=prompt, image_urls=pictures)
    with pytest.raises(InvalidRequest, match="room for 3 characters"):
        cast(kling, [member(handle) for handle in handles])
    assert len(sent(cast(asked("gemini-omni-video", handles[:3]), list(map(member, handles))))) > 0
    beside = asked("gemini-omni-video", handles[:1], image_urls=pictures)
    known = cast(beside, [member(handles[0], native={"gemini": "c-1"})])
    assert sent(known)["character_ids"] == ["c-1"]
    assert sent(known)["image_urls"] == pictures


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "happyhorse-1-1/reference-to-video",
            "Mia in [Image 1] (also seen in [Image 2]), then Mia in [Image 1]",
        ),
        ("veo-3-1", "Mia (a calm cat), then Mia"),
    ],
)
def test_who_a_character_is_is_said_once(model: str, said: str) -> None:
    request = asked(model, ["mia"], prompt="@mia, then @mia")
    assert sent(cast(request, [member("mia", 2)]))["prompt"] == said


def test_grok_wants_two_pictures() -> None:
    model = "grok-imagine/image-to-video"
    with pytest.raises(InvalidRequest, match="needs 2 pictures"):
        cast(asked(model, ["ba"]), [member("ba", 1)])
    assert len(sent(cast(asked(model, ["ba"], image_urls=[address("own.jpg")]), [member("ba", 1)]))) > 0


@pytest.mark.parametrize(
    ("model", "seconds", "voices"),
    [
        ("kling-3.0/video", [4.9, 5.0, 30.1], [False, True, False]),
        ("kling-3.0-omni/text-to-video", [30.0, 0.0], [True, False]),
        ("bytedance/seedance-2", [20.0, 8.0, 8.0, 7.0], [False, True, False, True]),
        ("wan/3-0-video", [0.5, 1.0, 14.0], [False, True, True]),
        ("wan/2-7-r2v", [11.0, 10.0, 5.0], [False, True, False]),
        ("happyhorse-1-1/reference-to-video", [5.0, 5.0], [False, False]),
    ],
)
def test_a_voice_goes_along_where_its_length_fits(
    model: str, seconds: list[float], voices: list[bool]
) -> None:
    handles = HANDLES[: len(seconds)]
    members = [
        member(handle, voice=address(f"{handle}.mp3"), voice_seconds=length)
        for handle, length in zip(handles, seconds, strict=True)
    ]
    fields = sent(cast(asked(model, handles), members))
    taken = [handle for handle in handles if f"/{handle}.mp3" in json.dumps(fields)]
    assert taken == [handle for handle, goes in zip(handles, voices, strict=True) if goes]
    if "reference_audio_urls" in fields:
        for number, handle in enumerate(taken, 1):
            assert f"Audio{number} is the voice of {handle.title()}." in fields["prompt"]


def test_a_model_with_characters_of_its_own_is_told_their_ids_there() -> None:
    request = Sora2TextToVideo(prompt="@Mia meets @someone.else, @mia waves")
    made = cast(request, [member("mia", native={"sora-2": "mzsdaag.ab"})])
    assert made.input_fields()["prompt"] == "@mzsdaag.ab meets @someone.else, @mzsdaag.ab waves"
    with pytest.raises(InvalidRequest, match="its own id of @mia, which has none"):
        cast(request, [member("mia")])
