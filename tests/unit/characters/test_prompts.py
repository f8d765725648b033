"""The characters of any prompt: nothing of it is lost, and what cannot be done is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import KieCharacter
from prefect_kie.characters import cast, wanted_handles
from prefect_kie.models import (
    KlingV25TurboTextToVideoPro,
    MarketModel,
    PixverseV6ReferenceToVideo,
    Wan26VideoToVideo,
    Wan30Video,
    parse_request,
)
from prefect_kie.models.characters import handles_in

from .data import FACTS, HANDLES, address, asked, member, sent

WORDS = st.text(st.characters(exclude_characters="@", exclude_categories=("Cs", "Cc")), max_size=12)
SAID = {
    "@mia": "Mia",
    "@Mia": "Mia",
    "@OTTO": "Otto",
    "@otto's": "Otto's",
    "(@mia),": "(Mia),",
    "ä-@mia!": "ä-Mia!",
    "@mia跑": "Mia跑",
    "me@mia.example": "me@mia.example",
    "@@mia": "@mia",
    "@@word": "@word",
    "@image1": "@image1",
    "@": "@",
    "@ mia": "@ mia",
    "mia": "mia",
    "🐈": "🐈",
}
PIECES = st.lists(st.one_of(st.sampled_from(sorted(SAID)), WORDS), max_size=12)
BOTH = [member("mia"), member("otto")]
modestly = settings(max_examples=60, deadline=None, derandomize=True)


@modestly
@given(PIECES)
def test_nothing_of_a_prompt_is_lost_or_doubled(pieces: list[str]) -> None:
    request = Wan30Video(prompt=f"A film: {' '.join(pieces)}")
    made = cast(request, BOTH)
    body = f"A film: {' '.join(SAID.get(piece, piece) for piece in pieces)}"
    handles = handles_in(request.prompt)
    legends = {
        1: "Image1, Image2, Image3 and Image4 show {0}: a calm cat.\n",
        2: "Image1, Image2, Image3 and Image4 show {0}: a calm cat. "
        "Image5, Image6, Image7 and Image8 show {1}: a calm cat.\n",
        0: "",
    }
    legend = legends[len(handles)].format(*(handle.title() for handle in handles))
    assert made.input_fields()["prompt"] == legend + body
    assert cast(made, BOTH) is made
    assert made.title == request.title


@modestly
@given(PIECES)
def test_a_model_that_knows_names_is_told_them(pieces: list[str]) -> None:
    request = PixverseV6ReferenceToVideo(
        prompt=f"@mia {' '.join(pieces)}", aspect_ratio="16:9", quality="720p", duration=5
    )
    made = cast(request, BOTH)
    names = [one["ref_name"] for one in made.input_fields()["image_references"]]
    assert names == handles_in(request.prompt)
    words = {"Mia": "@mia ", "Otto": "@otto "}
    body = " ".join(
        re.sub("Mia|Otto", lambda name: words[name[0]], SAID[one]) if one in SAID else one for one in pieces
    )
    # A blank ends a name, where none does yet.
    assert made.input_fields()["prompt"].split() == f"@mia {body}".split()


@modestly
@given(
    st.text(st.characters(codec="utf-8") | st.just("@"), min_size=1).filter(str.strip),
    st.sampled_from(
        ["wan/3-0-video", "bytedance/seedance-2", "happyhorse/reference-to-video", "nano-banana-2"]
    ),
    st.lists(st.sampled_from(HANDLES[:16]), max_size=16),
)
def test_no_limit_is_passed_whatever_a_prompt_says(text: str, model: str, handles: list[str]) -> None:
    facts, members = FACTS[model], [member(handle) for handle in HANDLES]
    prompt = f"{text} @{' @'.join(['ba', *handles])} ".replace("@@", "@")
    request = parse_request({"model": model, "input": {"prompt": prompt}})
    assert handles_in(f"{prompt} {prompt}") == handles_in(prompt)
    try:
        made = cast(request, members)
    except InvalidRequest:
        named = handles_in(prompt)
        assert len(named) > facts["characters"] or set(named) - set(HANDLES)
        return
    assert 1 <= len(made.input_fields()[facts["field"]]) <= facts["total"]
    assert not set(handles_in(made.input_fields()["prompt"])) & set(HANDLES)
    assert cast(made, members) is made


# What is refused, and what is no character


def test_a_handle_that_nobody_has_is_told() -> None:
    for prompt in ("@mia and @nobody", "@nobody", "@miaé"):
        with pytest.raises(InvalidRequest, match=r"there is no character @(nobody|miaé)") as caught:
            cast(Wan30Video(prompt=prompt), [member("mia")])
        assert "@@" in str(caught.value.next_step)


def test_a_model_that_keeps_no_characters_names_some_that_do() -> None:
    request = KlingV25TurboTextToVideoPro(prompt="@mia surfs")
    for call in (lambda: wanted_handles(request), lambda: cast(request, [member("mia")])):
        with pytest.raises(InvalidRequest, match="keeps no characters, and the prompt names @mia") as caught:
            call()
        assert "kling-3.0/video" in str(caught.value.next_step)
        assert "write @@mia where" in str(caught.value.next_step)
    assert (
        cast(KlingV25TurboTextToVideoPro(prompt="@@mia surfs"), ()).input_fields()["prompt"] == "@mia surfs"
    )


def test_what_is_said_to_a_model_that_nobody_knows_is_left_alone() -> None:
    for given_ in ({"prompt": "@mia @@x"}, {"multi_prompt": "@mia"}, {"prompt": ["@mia"]}):
        request = MarketModel(model="new/model", input=given_)
        assert wanted_handles(request) == []
        assert cast(request, [member("mia")]) is request


def test_a_prompt_that_the_legends_make_too_long_is_told() -> None:
    prompt = "@mia " + "x" * 4990
    request = asked("happyhorse/reference-to-video", ["mia"], prompt=prompt)
    with pytest.raises(InvalidRequest, match=r"prompt: .* at most 5000 characters"):
        cast(request, [member("mia")])


def test_pictures_and_clips_that_a_character_lacks_are_told() -> None:
    with pytest.raises(InvalidRequest, match="needs 1 picture of @mia, which has 0"):
        cast(Wan30Video(prompt="@mia"), [member("mia", 0)])
    with pytest.raises(InvalidRequest, match="needs a clip of @mia, which has none"):
        cast(Wan26VideoToVideo(prompt="@mia"), [member("mia", clip=None)])


def test_a_handle_may_be_written_large() -> None:
    assert wanted_handles(Wan30Video(prompt="@Mia, @MIA and @mia")) == ["mia"]


@pytest.mark.parametrize("name", ["Mia", "mia-2", "猫", "old otto"])
def test_what_a_request_names_itself_is_no_character(name: str) -> None:
    own = {"name": name, "description": "a cat", "element_input_urls": [address("1.jpg"), address("2.jpg")]}
    fields = {"image_urls": [address("1.jpg")], "multi_prompt": [], "kling_elements": [own]}
    request = parse_request(
        {"model": "kling-3.0/video", "input": {"prompt": f"@{name} runs, @otto too", **fields}}
    )
    assert wanted_handles(request) == ["otto"]
    names = [one["name"] for one in sent(cast(request, [member("otto")]))["kling_elements"]]
    assert names == [name, "otto"]


def test_the_shots_of_a_video_name_characters_too() -> None:
    shots = [{"prompt": "@otto runs", "duration": 3}, {"prompt": "@mia waits", "duration": 3}]
    given_ = {"prompt": "Both", "multi_shots": True, "multi_prompt": shots}
    fields = sent(cast(parse_request({"model": "kling-3.0/video", "input": given_}), BOTH))
    assert [one["name"] for one in fields["kling_elements"]] == ["otto", "mia"]
    assert [shot["prompt"] for shot in fields["multi_prompt"]] == ["@otto runs", "@mia waits"]


@pytest.mark.parametrize(
    "handle", ["image1", "video", "audio2", "character1", "element3", "Mia", "a", "1a", "a-b"]
)
def test_a_handle_that_some_model_has_other_use_for_is_refused(handle: str) -> None:
    with pytest.raises(ValidationError, match=r"another handle|should match pattern"):
        KieCharacter(handle=handle, name="Mia", stills=["a.jpg"])
