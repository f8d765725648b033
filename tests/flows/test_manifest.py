"""Manifests: what a batch is asked for, and every mistake before anything is submitted."""

from __future__ import annotations

import csv
import io
import json
import pickle
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect.filesystems import LocalFileSystem, ReadableFileSystem, RemoteFileSystem

from prefect_kie.api import ServiceUnavailable, Sora2TextToVideo
from prefect_kie.batches.manifest import (
    ManifestMistakes,
    Row,
    parse_rows,
    read_bytes,
    read_list,
    read_manifest,
)

TEXT = {"model": "sora-2-text-to-video"}
KLING = "kling-2.6/text-to-video"


def rows(content: str | bytes | list[Any], name: str = "campaign.csv", **options: Any) -> list[Row]:
    """The rows of a manifest's content."""
    if isinstance(content, list):
        return parse_rows(read_list(content), **options)
    content = content.encode() if isinstance(content, str) else content
    return parse_rows(read_bytes(content, name), **options)


def prompts(manifest: str | list[Any], name: str = "campaign.csv", **options: Any) -> list[str]:
    """The prompts that would be sent."""
    return [row.request.input_fields()["prompt"] for row in rows(manifest, name, **options)]


def mistakes(manifest: str | bytes | list[Any], name: str = "campaign.csv", **options: Any) -> list[str]:
    """All mistakes, one sentence each."""
    with pytest.raises(ManifestMistakes) as refused:
        rows(manifest, name, **options)
    assert "Charged: no" in str(refused.value)
    return [str(one) for one in refused.value.mistakes]


def the_mistake(manifest: str | bytes | list[Any], name: str = "campaign.csv", **options: Any) -> str:
    """The only mistake."""
    (only,) = mistakes(manifest, name, **options)
    return only


def written(table: list[list[Any]], delimiter: str) -> str:
    """A table as the csv module writes it."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows(table)
    return target.getvalue()


async def test_the_example_of_the_documentation() -> None:
    made = await read_manifest(
        Path(__file__).parents[2] / "docs/examples/campaign.csv",
        defaults={"prompt": "A {animal} explores {place}", "aspect_ratio": "portrait"},
    )
    assert [(row.number, row.line, row.request.model_name, row.take) for row in made] == [
        (1, 2, "sora-2-text-to-video", 1),
        (2, 3, "sora-2-text-to-video", 1),
        (3, 4, "sora-2-text-to-video", 2),
        (4, 5, "sora-2-pro-text-to-video", 1),
        (5, 6, "sora-2-image-to-video", 1),
        (6, 7, "sora-2-text-to-video-stable", 2),
    ]
    assert [row.request.title for row in made][::3] == [
        "A red fox explores a snowy harbour",
        'A heron, "the captain", steers a boat into the fog',
    ]
    assert made[0].request.input_fields()["n_frames"] == "15"
    assert made[4].request.input_fields()["image_urls"] == ["https://files.example/boat.png"]
    assert {row.request.input_fields()["aspect_ratio"] for row in made} == {"portrait"}
    assert made[0].values["animal"] == "red fox"
    assert made[0].values["prompt"] == ""


def test_each_format_says_the_same() -> None:
    fields = {"model": KLING, "prompt": "a yak,\n\"twice\"; 'ü'", "duration": "5", "sound": True}
    text_only = ["TRUE" if value is True else value for value in fields.values()]
    semicolons, tabs = (written([list(fields), text_only], delimiter) for delimiter in ";\t")
    line = json.dumps(fields)
    expected = {"model": KLING, "input": {k: v for k, v in fields.items() if k != "model"}}
    made = [
        *rows(b"\xef\xbb\xbf" + semicolons.encode()),
        *rows(tabs, "a.TSV"),
        *rows(f"{line}\n\n", "a.jsonl"),
        *rows(line, "a.ndjson"),
        *rows(f"[{line}]", "a.json"),
        *rows([fields]),
        *rows([{"model": KLING, "input": {k: v for k, v in fields.items() if k != "model"}}]),
    ]
    assert [row.request.body() for row in made] == [expected] * 7


def test_lists_objects_yes_and_no_in_csv() -> None:
    (video,) = rows(
        "model,prompt,image_urls,character_id_list,remove_watermark\n"
        "sora-2-image-to-video,[wide] 7,https://files.example/a.png,id_1|id_2  id_3,yes\n"
    )
    assert video.request.input_fields() | {"n_frames": "", "aspect_ratio": "", "upload_method": ""} == {
        "prompt": "[wide] 7",
        "image_urls": ["https://files.example/a.png"],
        "character_id_list": ["id_1", "id_2", "id_3"],
        "remove_watermark": True,
        **{"n_frames": "", "aspect_ratio": "", "upload_method": ""},
    }
    shots = json.dumps([{"Scene": "{animal} wakes", "duration": 5}]).replace('"', '""')
    (board,) = rows(f'model,shots,animal\nsora-2-pro-storyboard,"{shots}","a ""lion"""\n')
    assert board.request.input_fields()["shots"] == [{"Scene": 'a "lion" wakes', "duration": 5.0}]
    (other,) = rows(f'model,prompt,seed,tags,more\n{KLING},true,7,"[1, ""a""]","{{""a"": null}}"\n')
    assert other.request.input_fields() == {
        "prompt": "true",
        "seed": "7",
        "tags": [1, "a"],
        "more": {"a": None},
    }


def test_columns_are_renamed_ignored_and_defaulted() -> None:
    (video,) = rows(
        "text,note,length\na cat,for Ann,\n",
        columns={"text": "prompt", "note": None, "length": "n_frames"},
        defaults={**TEXT, "n_frames": 15, "size": "high", "prompt": "a dog", "aspect_ratio": None},
    )
    assert video.request.input_fields()["prompt"] == "a cat"
    assert video.request.input_fields()["n_frames"] == "15"
    assert video.values == {"text": "a cat", "note": "for Ann", "length": ""}
    refused = mistakes(
        "text,note,length,prompt\na cat,x,7,b\n",
        columns={"text": "prompt", "length": "n_frames"},
        defaults=TEXT,
    )
    assert refused == [
        "row 1 (line 2), column prompt: gives prompt; column text does so too",
        (
            "row 1 (line 2), column note: is no field of sora-2-text-to-video; it takes prompt, "
            "aspect_ratio, n_frames, upload_method, remove_watermark, character_id_list"
        ),
        "row 1 (line 2), column length: n_frames must be '10' or '15'; it is '7'",
    ]
    assert the_mistake("text\na\n", columns={"txt": "prompt", "text": "prompt"}, defaults=TEXT) == (
        "column txt: is renamed, but the manifest has no such column; did you mean 'text'?"
    )
    assert the_mistake("prompt\na\n", defaults={**TEXT, "aspekt_ratio": "portrait"}) == (
        "column aspekt_ratio: is a default, but no field of any model; did you mean 'aspect_ratio'?"
    )


def test_all_mistakes_of_all_rows_are_told_at_once() -> None:
    refused = mistakes(
        "model,prompt,n_frames,size,image_urls,promt,take\n"
        "sora-2-text-to-video,a,12,,,,\n"
        "\n"
        ",,,,,,\n"
        'sora-2-text-to-video-stable,"two\nlines",,high,,x,0\n'
        "sora-2-image-to-video,,10,,files.example/a.png,,\n"
        "sora-2-text-to-vidoe,a,,,,,\n"
        "sora-2-characters-pro,a,,,,,\n"
        ",a,,,,,\n"
        "sora-2-text-to-video,a,10\n"
    )
    assert refused == [
        "row 1 (line 2), column n_frames: must be '10' or '15'; it is '12'",
        "row 2 (line 5), column take: must be a whole number from 1 on, not '0'",
        "row 2 (line 5), column size: is no field of sora-2-text-to-video-stable; leave it empty in this row",
        "row 2 (line 5), column promt: is no field of sora-2-text-to-video-stable; did you mean 'prompt'?",
        "row 3 (line 7), column prompt: is missing; sora-2-image-to-video needs it",
        (
            "row 3 (line 7), column image_urls: item 1 must be a public http or https address, not "
            "'files.example/a.png'"
        ),
        (
            "row 4 (line 8), column model: 'sora-2-text-to-vidoe' is no model; did you mean "
            "'sora-2-text-to-video'?"
        ),
        (
            "row 5 (line 9), column model: sora-2-characters-pro makes a character, no video; use the flow "
            "create_character"
        ),
        "row 6 (line 10), column model: is missing; each row needs one, or the defaults do",
        "row 7 (line 11): has 3 cells where the header has 7",
    ]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "a.csv", "it has nothing in it; it needs one row per video"),
        (b"\xef\xbb\xbf\n \n", "a.jsonl", "it has nothing in it; it needs one row per video"),
        (b"[]", "a.json", "it has nothing in it; it needs one row per video"),
        (b"prompt\n\n", "a.csv", "it has a header but no row; it needs one row per video"),
        (b"prompt\ncaf\xe9\n", "a.csv", "line 2: it is not UTF-8 (byte 0xE9); save it as UTF-8"),
        (b"prompt\na\nb\0\n", "a.csv", "line 3: it holds a NUL character; save it as UTF-8 text"),
        (b"prompt,prompt\na,b\n", "a.csv", "line 1, column prompt: is there more than once"),
        (b"prompt,\na,b\n", "a.csv", "row 1 (line 2): 'b' stands in a column without a name"),
        (
            b"prompt\na\nb, c\n",
            "a.csv",
            (
                "row 2 (line 3): has 2 cells where the header has 1; a cell that holds the separator must "
                "stand in quotation marks"
            ),
        ),
        (
            b'prompt\n"a\nb\nc\n',
            "a.csv",
            "line 2: it cannot be read from here on (unexpected end of data)",
        ),
        (
            b"a dog,landscape\na cat,portrait\n",
            "a.csv",
            (
                "line 1: no column's name is known; the first line must be a header with names such as model "
                "and prompt, not 'a dog', 'landscape'"
            ),
        ),
        (b'{"prompt": "a"}\n{"prompt": }\n', "a.jsonl", "row 2 (line 2): is no JSON: Expecting value"),
        (
            b'{"prompt": "a", "prompt": "b"}',
            "a.jsonl",
            "row 1 (line 1), column prompt: is there more than once",
        ),
        (b'[{"prompt": NaN}]', "a.json", "row 1, column prompt: holds nan, which is no number in JSON"),
        (b'[{"prompt": "\\ud800"}]', "a.json", "row 1, column prompt: holds half a character"),
        (
            b'[{"prompt": ' + b"[" * 50 + b"]" * 50 + b"}]",
            "a.json",
            "row 1, column prompt: is nested more than",
        ),
        (b"[" * 100_000, "a.json", "is no JSON: nested too deeply"),
        (b'{"prompt": "a"}', "a.json", "it must be a list of objects, one per video"),
        (b'{"prompt": "a"}\n{}', "a.json", "line 2: is no JSON: Extra data"),
        (b"[3]", "a.json", "row 1: must be an object like {'prompt': '...'}, not 3"),
        (b"prompt\na\n", "a.xlsx", "its name must end with .csv, .tsv, .jsonl, .ndjson or .json"),
        (b"prompt\n" + b"a\n" * 10_001, "a.csv", "line 10002: it has more than 10,000 rows; split it"),
        (b"prompt\n" + b" " * 50_000_000, "a.csv", "it has more than 50 MB; split it"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_said_with_its_line(content: bytes, name: str, told: str) -> None:
    assert the_mistake(content, name, defaults=TEXT).startswith(told)


def test_templates_take_the_rows_values_and_nothing_else() -> None:
    template = 'A {animal} in {place}, {{animal}}, {{{animal}}}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}'
    assert prompts(
        [{"animal": "lion", "place": 7}, {"animal": "yak"}],
        defaults={**TEXT, "prompt": template, "place": "Rome"},
    ) == [
        'A lion in 7, {animal}, {lion}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}',
        'A yak in Rome, {animal}, {yak}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}',
    ]
    assert prompts("prompt\n{model.__class__} {model[0]}\n", defaults=TEXT) == [
        "{model.__class__} {model[0]}"
    ]
    refused = mistakes(
        "prompt,animal,place\n{anmal} sits,cat,\n{animal} in {place},cat,\n{animal},{place},Rome\n"
        "{prompt},,\n",
        defaults=TEXT,
    )
    assert refused == [
        (
            "row 1 (line 2), column prompt: {anmal} names no column; did you mean 'animal'? for braces "
            "themselves write {{anmal}}"
        ),
        "row 2 (line 3), column prompt: {place} has no value in this row",
        "row 3 (line 4), column prompt: {animal} stands for '{place}', which has a placeholder of its own",
        "row 4 (line 5), column prompt: {prompt} stands for '{prompt}', which has a placeholder of its own",
    ]
    assert prompts([{"prompt": "{list}", "list": "x"}], defaults=TEXT) == ["x"]
    assert "which is no text" in the_mistake([{"prompt": "{list}", "list": ["x"]}], defaults=TEXT)


def test_a_misspelt_placeholder_is_one_mistake_of_a_row_and_not_two() -> None:
    defaults = {**TEXT, "prompt": "A {animl}"}
    assert mistakes("animal,sea,n_frames\nyak,,\nfox,x,\n", defaults=defaults) == [
        (
            "row 1 (line 2), column prompt: {animl} names no column; did you mean 'animal'? for braces "
            "themselves write {{animl}} (a default)"
        ),
        (
            "row 2 (line 3), column sea: is no field of sora-2-text-to-video; it takes "
            f"{', '.join(name for name in Sora2TextToVideo.model_fields if name != 'model')}"
        ),
        (
            "row 2 (line 3), column prompt: {animl} names no column; did you mean 'animal'? for braces "
            "themselves write {{animl}} (a default)"
        ),
    ]


def test_an_untyped_models_column_in_a_template_must_say_whether_it_is_sent_too() -> None:
    manifest = "animal,duration\nyak,5\n"
    defaults = {"model": KLING, "prompt": "A {animal} for {duration} s"}
    assert [one.split(": ")[0] for one in mistakes(manifest, defaults=defaults)] == [
        "row 1 (line 2), column animal",
        "row 1 (line 2), column duration",
    ]
    sent = {"animal": None, "duration": "duration"}
    (video,) = rows(manifest, defaults={**defaults, "sound": "true"}, columns=sent)
    assert video.request.input_fields() == {"prompt": "A yak for 5 s", "duration": "5", "sound": True}


@pytest.mark.parametrize(
    "model", ["Sora-2-text-to-video", "sora_2_text_to_video", "sora2", "soar-2-text-to-video"]
)
def test_a_typed_models_mistyped_name_is_no_other_model(model: str) -> None:
    assert "did you mean 'sora-2-" in the_mistake([{"model": model, "prompt": "a"}])


@pytest.mark.parametrize("model", [KLING, "wan/2-5-text-to-video", "sora-3-text-to-video"])
def test_other_models_pass_by_their_names(model: str) -> None:
    assert rows([{"model": model, "prompt": "a"}])[0].request.model_name == model
    assert "gives" in the_mistake([{"model": model}])


def test_equal_rows_are_takes_of_one_video() -> None:
    made = rows("prompt,take,n_frames\na,,\nb,,\na,,10\na,2,\na,,\na,7,\n", defaults=TEXT)
    assert [row.take for row in made] == [1, 1, 3, 2, 4, 7]
    assert the_mistake("prompt,take,n_frames\na,2,\nb,2,\na,2,10\n", defaults=TEXT) == (
        "row 3 (line 4), column take: 2 is also row 1's, for the same video: they would be one job"
    )


def test_many_mistakes_are_bounded_and_survive_pickling() -> None:
    manifest = "prompt,n_frames,promt\n" + "".join(f"a,{number},x\n" for number in range(16, 1216))
    with pytest.raises(ManifestMistakes) as refused:
        rows(manifest, defaults=TEXT, manifest="campaign.csv")
    told = str(refused.value)
    assert told == str(pickle.loads(pickle.dumps(refused.value)))
    assert told.startswith("campaign.csv has 2,400 mistakes:\n- rows 1 (line 2), 2 (line 3), ")
    assert "and 1,195 more, column promt: is no field" in told
    assert "\nand 1,151 more\nCharged: no. Next: Correct the manifest" in told
    assert (refused.value.count, len(refused.value.mistakes)) == (2400, 1000)


def test_a_thousand_rows_take_little_time_and_no_text_takes_much() -> None:
    manifest = "animal\n" + "".join(f"animal {number}\n" for number in range(1000))
    begun = time.process_time()
    assert len(rows(manifest, defaults={**TEXT, "prompt": "A {animal}"})) == 1000
    assert time.process_time() - begun < 1
    begun = time.process_time()
    for text in ("{" * 300_000, "{a" * 150_000, "{{" + "a" * 300_000, "{a}" * 100_000, "}" * 300_000):
        assert mistakes([{"prompt": text, "x" * 100_000: text}], defaults=TEXT)
    assert time.process_time() - begun < 5


class Reader(ReadableFileSystem):
    """A storage that only reads."""

    content: bytes | None = None

    async def read_path(self, path: str) -> bytes:
        """The content, whatever the path; an error where there is none."""
        if self.content is None:
            raise ConnectionError(f"no way to ftp://me:secret@host/{path}")
        return self.content


async def test_a_manifest_is_read_from_disk_and_from_any_storage(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt\na cat\n")
    places = RemoteFileSystem(basepath="memory://manifests")
    await places.write_path("week 1/a.csv", b"prompt\na cat\n")
    for path, storage in [
        (tmp_path / "a.csv", None),
        (str(tmp_path / "a.csv"), None),
        ("a.csv", LocalFileSystem(basepath=str(tmp_path))),
        ("week 1/a.csv", places),
        ("a.csv", Reader(content=b"prompt\na cat\n")),
    ]:
        (video,) = await read_manifest(path, storage, defaults=TEXT)
        assert video.request.title == "a cat"
    for path, storage, told in [
        (str(tmp_path), None, "is a directory"),
        (str(tmp_path / "b.csv"), None, "there is no such file on the machine that runs this"),
        ("/dev/zero", None, "it is no file"),
        ("a\0.csv", None, "it cannot be read"),
        (Path("s3://bucket/a.csv"), None, "give its path within a storage block"),
        ("b.csv", LocalFileSystem(basepath=str(tmp_path)), "there is no such file"),
        ("../a.csv", LocalFileSystem(basepath=str(tmp_path)), "lies outside"),
        ("b.csv", places, "there is no such file: memory://manifests/b.csv"),
    ]:
        with pytest.raises(ManifestMistakes, match=told):
            await read_manifest(path, storage, defaults=TEXT)
    with pytest.raises(ServiceUnavailable, match=r"ftp://me:\*\*\*@host") as away:
        await read_manifest("a.csv", Reader(), defaults=TEXT)
    assert away.value.billed == "no"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["{a}", "sora-2", KLING]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["model", "prompt", "take", "input", "shots", "image_urls", "n_frames", "remove_watermark", "a"]
)
MODELS = st.sampled_from(
    [
        "sora-2-text-to-video",
        "sora-2-pro-storyboard",
        "sora-2-image-to-video",
        "sora-watermark-remover",
        KLING,
        "é",
    ]
)
OBJECTS = st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=5).flatmap(
    lambda fields: st.builds(lambda model: {"model": model, **fields}, MODELS)
)


@settings(max_examples=100, deadline=None)
@given(
    manifest=st.binary()
    | st.text(alphabet='amodelprompt,;\t"\n\r {}[]:10').map(str.encode)
    | st.lists(OBJECTS).map(lambda objects: json.dumps(objects).encode())
    | st.lists(OBJECTS).map(lambda objects: "\n".join(map(json.dumps, objects)).encode()),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".json"]),
    defaults=OBJECTS,
    columns=st.dictionaries(NAMES, NAMES | st.none(), max_size=2),
)
def test_no_bytes_raise_anything_but_mistakes(
    manifest: bytes, suffix: str, defaults: dict[str, Any], columns: dict[str, str | None]
) -> None:
    try:
        made = rows(manifest, f"a{suffix}", defaults=defaults, columns=columns)
    except ManifestMistakes as error:
        pickle.loads(pickle.dumps(error))
        str(error).encode()
    else:
        assert made
        assert all(json.dumps(row.request.body(), allow_nan=False).encode() for row in made)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{"), max_size=200).filter(
            str.strip
        ),
        min_size=1,
        max_size=10,
    ),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_comes_back(texts: list[str], delimiter: str) -> None:
    content = written([["model", "prompt"], *([TEXT["model"], text] for text in texts)], delimiter)
    assert prompts(content) == [text.strip() for text in texts]
