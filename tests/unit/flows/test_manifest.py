"""Manifests: what a batch is asked for, and every error before anything is submitted."""

from __future__ import annotations

import codecs
import csv
import io
import json
import pickle
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect.filesystems import LocalFileSystem, RemoteFileSystem

from prefect_kie.api import ServiceUnavailable
from prefect_kie.batches.manifest import Row, load_table, parse_table
from prefect_kie.batches.tables import ManifestError, read_table, table_of

TEXT = {"model": "sora-2-text-to-video"}
KLING = "acme/any-video"
TABLES = Path(__file__).parent / "tables"


def rows(
    content: str | bytes | list[Any],
    name: str = "campaign.csv",
    defaults: dict[str, Any] | None = None,
    columns: dict[str, str | None] | None = None,
) -> list[Row]:
    """The rows of a manifest's content."""
    if isinstance(content, list):
        return parse_table(table_of(content), defaults, columns)
    content = content.encode() if isinstance(content, str) else content
    return parse_table(read_table(content, name), defaults, columns, name)


def inputs(
    content: str | bytes | list[Any], name: str = "campaign.csv", **options: Any
) -> list[dict[str, Any]]:
    """What would be sent, without what the models have by default."""
    return [
        row.request.model_dump(exclude_defaults=True, exclude={"model"})
        for row in rows(content, name, **options)
    ]


def errors(content: str | bytes | list[Any], name: str = "campaign.csv", **options: Any) -> list[str]:
    """All errors, one sentence each."""
    with pytest.raises(ManifestError) as refused:
        rows(content, name, **options)
    assert "Charged: no" in str(refused.value)
    return [str(one) for one in refused.value.errors]


def written(table: list[list[Any]], delimiter: str) -> str:
    """A table as the csv module writes it."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows(table)
    return target.getvalue()


# Files as spreadsheets and pandas write them


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accents_semicolon.csv", [{"prompt": "Café – „Zürich“; Übersicht", "aspect_ratio": "portrait"}]),
        ("float.jsonl", [{"prompt": "A calm yak"}, {"prompt": "B"}]),
        ("float_from_pandas.csv", [{"prompt": "A calm yak"}, {"prompt": "B"}]),
        ("header_case.csv", [{"prompt": "A calm yak", "aspect_ratio": "portrait"}]),
        (
            "ragged_short.csv",
            [{"prompt": "A calm yak"}, {"prompt": "A loud yak", "aspect_ratio": "portrait"}],
        ),
        ("sep_semicolon.csv", [{"prompt": "A calm yak, in fog"}]),
    ],
)
def test_files_from_the_field_are_read(name: str, expected: list[dict[str, str]]) -> None:
    assert inputs((TABLES / name).read_bytes(), name, defaults=TEXT) == expected


def test_an_error_with_odd_characters_is_told_as_any_other() -> None:
    name = "mistake_with_emoji.csv"
    assert errors((TABLES / name).read_bytes(), name, defaults=TEXT) == [
        "row 1 (line 2), column n_frames: Input should be '10' or '15'; it is '🦊'"
    ]


GERMAN = "prompt;aspect_ratio;take\r\nCafé in Zürich;portrait;1\r\n"


@pytest.mark.parametrize(
    ("content", "prefix"),
    [
        (GERMAN.encode(), ""),
        (codecs.BOM_UTF8 + GERMAN.encode(), "\ufeff"),
        (2 * codecs.BOM_UTF8 + GERMAN.encode(), "\ufeff"),
        (GERMAN.encode("cp1252"), "\ufeff"),
        (GERMAN.encode("utf-16"), "\ufeff"),
        (b"sep=;\r\n" + GERMAN.encode(), "sep=;\r\n"),
        (codecs.BOM_UTF8 + b'"SEP=;"\n\n' + GERMAN.encode(), '\ufeff"SEP=;"\n'),
        (GERMAN.replace("\r\n", "\r").encode(), ""),
        (GERMAN.replace(";1\r\n", ";1;;\r\n\r\n;;\r\n").encode(), ""),
        (GERMAN.replace(";1\r\n", "\r\n").encode(), ""),
        (GERMAN.replace("take\r\n", "Take;;\r\n").encode(), ""),
        (GERMAN.replace("prompt", '"Prompt "').replace("aspect_ratio", " Aspect  RATIO").encode(), ""),
    ],
)
def test_each_spreadsheet_says_the_same(content: bytes, prefix: str) -> None:
    assert inputs(content, defaults=TEXT) == [{"prompt": "Café in Zürich", "aspect_ratio": "portrait"}]
    table = read_table(content, "campaign.csv")
    assert (table.delimiter, table.prefix) == (";", prefix)


def test_each_format_says_the_same() -> None:
    fields = {"model": KLING, "prompt": "a yak,\n\"twice\"; 'ü'", "duration": "5", "sound": True}
    text_only = ["TRUE" if value is True else value for value in fields.values()]
    semicolons, tabs = (written([list(fields), text_only], delimiter) for delimiter in ";\t")
    line, given_input = json.dumps(fields), {k: v for k, v in fields.items() if k != "model"}
    made = [
        *rows(semicolons),
        *rows(tabs, "a.TSV"),
        *rows(f"{line}\n\n", "a.jsonl"),
        *rows(line, "a.ndjson"),
        *rows(f"[{line}]", "a.json"),
        *rows([fields]),
        *rows([{"model": KLING, "input": given_input}]),
    ]
    assert [row.request.body() for row in made] == [{"model": KLING, "input": given_input}] * 7


def test_rows_of_pandas_and_polars_are_rows() -> None:
    assert inputs(
        [
            {"prompt": "On {day}: {count}", "day": date(2026, 1, 2), "count": 3.0, "n_frames": 15.0},
            {"prompt": "B", "n_frames": float("nan"), "day": None},
        ],
        defaults=TEXT,
    ) == [{"prompt": "On 2026-01-02: 3", "n_frames": "15"}, {"prompt": "B"}]
    assert rows([{**TEXT, "prompt": "a", "take": 2.0}, {**TEXT, "prompt": "b", "take": "3"}])[0].take == 2


def test_a_value_that_json_does_not_have_is_an_error() -> None:
    assert errors([{"prompt": "a", "note": object()}], defaults={**TEXT, "size": object()}) == [
        "the defaults: column size: Unable to serialize unknown type: <class 'object'>",
        "row 1: column note: Unable to serialize unknown type: <class 'object'>",
    ]


def test_names_of_untyped_models_keep_their_case() -> None:
    manifest = "model,prompt,customMode,Aspect Ratio,Duration\n" + f"{KLING},a,true,1:1,5\n"
    (given_input,) = inputs(manifest)
    assert given_input["input"] == {"prompt": "a", "customMode": True, "aspect_ratio": "1:1", "duration": "5"}


async def test_the_example_of_the_documentation() -> None:
    made = parse_table(
        await load_table(Path(__file__).parents[3] / "docs/examples/campaign.csv"),
        {"prompt": "A {animal} explores {place}", "duration": 5},
    )
    assert [(row.number, row.line, row.request.model_name, row.take) for row in made] == [
        (1, 2, "wan/3-0-video", 1),
        (2, 3, "wan/3-0-video", 1),
        (3, 4, "wan/3-0-video", 2),
        (4, 5, "kling-3.0/video", 1),
        (5, 6, "kling-2.6/image-to-video", 1),
        (6, 7, "bytedance/seedance-2-mini", 2),
    ]
    assert [row.request.title for row in made][::3] == [
        "A red fox explores a snowy harbour",
        '@mia A heron, "the captain", steers a boat into the fog',
    ]
    assert [row.request.input_fields()["duration"] for row in made] == [8, 5, 5, "5", "10", 5]
    assert made[4].request.input_fields()["image_urls"] == ["https://files.example/boat.png"]
    assert made[0].values["animal"] == "red fox"
    assert made[0].values["prompt"] == ""


# What the cells mean


def test_lists_objects_yes_and_no_in_csv() -> None:
    assert inputs(
        "model,prompt,image_urls,character_id_list,remove_watermark\n"
        "sora-2-image-to-video,[wide] 7,https://files.example/a.png,id_1|id_2  id_3,yes\n"
    ) == [
        {
            "prompt": "[wide] 7",
            "image_urls": ["https://files.example/a.png"],
            "character_id_list": ["id_1", "id_2", "id_3"],
            "remove_watermark": True,
        }
    ]
    shots = json.dumps([{"Scene": "{animal} wakes", "duration": 5}]).replace('"', '""')
    (board,) = rows(f'model,shots,animal\nsora-2-pro-storyboard,"{shots}","a ""lion"""\n')
    assert board.request.input_fields()["shots"] == [{"Scene": 'a "lion" wakes', "duration": 5.0}]
    (other,) = inputs(f'model,prompt,seed,labels,more\n{KLING},true,7,"[1, ""a""]","{{""a"": null}}"\n')
    assert other["input"] == {"prompt": "true", "seed": "7", "labels": [1, "a"], "more": {"a": None}}


def test_columns_are_renamed_ignored_and_defaulted() -> None:
    (video,) = rows(
        "text,note,length\na cat,for Ann,\n",
        columns={"text": "prompt", "note": None, "length": "n_frames"},
        defaults={**TEXT, "n_frames": 15, "size": "high", "prompt": "a dog", "aspect_ratio": None},
    )
    assert video.request.input_fields()["prompt"] == "a cat"
    assert video.request.input_fields()["n_frames"] == "15"
    assert video.values == {"text": "a cat", "note": "for Ann", "length": ""}
    assert errors(
        "text,note,length,prompt\na cat,x,7,b\n",
        columns={"text": "prompt", "length": "n_frames"},
        defaults=TEXT,
    ) == [
        "row 1 (line 2), column prompt: gives prompt; column text does so too",
        (
            "row 1 (line 2), column note: is no field of sora-2-text-to-video; it takes prompt, "
            "aspect_ratio, n_frames, upload_method, remove_watermark, character_id_list"
        ),
        "row 1 (line 2), column length: n_frames Input should be '10' or '15'; it is '7'",
    ]
    assert errors("text\na\n", columns={"txt": "prompt", "text": "prompt"}, defaults=TEXT) == [
        "column txt: is renamed, but there is no such column; did you mean 'text'?"
    ]
    assert errors("prompt\na\n", defaults={**TEXT, "aspekt_ratio": "portrait"}) == [
        "column aspekt_ratio: is a default, but no field of any model; did you mean 'aspect_ratio'?"
    ]


def test_templates_take_the_rows_values_and_nothing_else() -> None:
    template = 'A {animal} in {place}, {{animal}}, {{{animal}}}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}'
    made = rows(
        [{"Animal": "lion", "place": 7}, {"Animal": "yak"}],
        defaults={**TEXT, "prompt": template, "place": "Rome"},
    )
    assert [row.request.title for row in made] == [
        'A lion in 7, {animal}, {lion}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}',
        'A yak in Rome, {animal}, {yak}, {"a": {"b": 1}} {0} {} {a b} {place.x!r:>9}',
    ]
    assert inputs("prompt\n{model.__class__} {model[0]}\n", defaults=TEXT) == [
        {"prompt": "{model.__class__} {model[0]}"}
    ]
    assert errors(
        "prompt,animal,place\n{anmal} sits,cat,\n{animal} in {place},cat,\n{animal},{place},Rome\n"
        "{prompt},,\n",
        defaults=TEXT,
    ) == [
        (
            "row 1 (line 2), column prompt: {anmal} names no column; did you mean 'animal'? for braces "
            "themselves write {{anmal}}"
        ),
        "row 2 (line 3), column prompt: {place} has no value in this row",
        "row 3 (line 4), column prompt: {animal} stands for '{place}', which is no plain text",
        "row 4 (line 5), column prompt: {prompt} stands for '{prompt}', which is no plain text",
    ]
    assert "which is no plain text" in errors([{"prompt": "{list}", "list": ["x"]}], defaults=TEXT)[0]


def test_a_misspelt_placeholder_is_one_error_of_a_row_and_not_two() -> None:
    assert errors("animal,n_frames\nyak,\n", defaults={**TEXT, "prompt": "A {animl}"}) == [
        (
            "row 1 (line 2), column prompt: {animl} names no column; did you mean 'animal'? for braces "
            "themselves write {{animl}} (a default)"
        )
    ]
    told = "{x} names no column; for braces themselves write {{x}}"
    assert errors([{"model": KLING, "prompt": "{x}"}]) == [f"row 1, column prompt: {told}"]
    assert errors([{"model": "sora-2-image-to-video", "prompt": "{x}"}]) == [
        f"row 1, column prompt: {told}",
        "row 1, column image_urls: is missing; sora-2-image-to-video needs it",
    ]


def test_an_untyped_models_column_in_a_template_must_say_whether_it_is_sent_too() -> None:
    manifest = "animal,pace\nyak,5\n"
    defaults = {"model": KLING, "prompt": "A {animal} at {pace} km/h"}
    assert [one.split(": ")[0] for one in errors(manifest, defaults=defaults)] == [
        "row 1 (line 2), column animal",
        "row 1 (line 2), column pace",
    ]
    sent = {"animal": None, "pace": "pace"}
    (video,) = inputs(manifest, defaults={**defaults, "sound": "true"}, columns=sent)
    assert video["input"] == {"prompt": "A yak at 5 km/h", "pace": "5", "sound": True}


@pytest.mark.parametrize(
    "model", ["Sora-2-text-to-video", "sora_2_text_to_video", "sora2", "soar-2-text-to-video"]
)
def test_a_typed_models_mistyped_name_is_no_other_model(model: str) -> None:
    assert "did you mean 'sora-2-" in errors([{"model": model, "prompt": "a"}])[0]


@pytest.mark.parametrize("model", [KLING, "acme/2-5-text-to-video", "sora-3-text-to-video"])
def test_other_models_pass_by_their_names(model: str) -> None:
    assert rows([{"model": model, "prompt": "a"}])[0].request.model_name == model
    assert "gives" in errors([{"model": model}])[0]


def test_equal_rows_are_takes_of_one_video() -> None:
    made = rows("prompt,take,n_frames\na,,\nb,,\na,,10.0\na,2,\na,,\na,7,\n", defaults=TEXT)
    assert [row.take for row in made] == [1, 1, 3, 2, 4, 7]
    assert errors("prompt,take,n_frames\na,2,\nb,2,\na,2,10\n", defaults=TEXT) == [
        "row 3 (line 4), column take: 2 is also row 1's, for the same video: they would be one job"
    ]


# What is refused


def test_all_errors_of_all_rows_are_told_at_once() -> None:
    assert errors(
        "model,prompt,n_frames,size,image_urls,promt,take\n"
        "sora-2-text-to-video,a,12,,,,\n"
        "\n"
        ",,,,,,\n"
        'sora-2-text-to-video-stable,"two\nlines",,high,,x,0\n'
        "sora-2-image-to-video,,10,,files.example/a.png,,\n"
        "sora-2-text-to-vidoe,a,,,,,\n"
        "sora-2-characters-pro,a,,,,,\n"
        ",a,,,,,\n"
        "sora-2-text-to-video,a,10,,,,,b\n"
    ) == [
        "row 1 (line 2), column n_frames: Input should be '10' or '15'; it is '12'",
        "row 2 (line 5), column take: Input should be greater than or equal to 1; it is '0'",
        (
            "row 2 (line 5), column size: is no field of sora-2-text-to-video-stable; leave it empty in this "
            'row, or ignore it (columns: {"size": null})'
        ),
        "row 2 (line 5), column promt: is no field of sora-2-text-to-video-stable; did you mean 'prompt'?",
        "row 3 (line 7), column prompt: is missing; sora-2-image-to-video needs it",
        (
            "row 3 (line 7), column image_urls: item 1 must be a public http or https address, not "
            "'files.example/a.png'"
        ),
        (
            "row 4 (line 8), column model: 'sora-2-text-to-vidoe' is not a model; did you mean "
            "'sora-2-text-to-video'?"
        ),
        (
            "row 5 (line 9), column model: sora-2-characters-pro makes a character, no video; use the flow "
            "create_character"
        ),
        "row 6 (line 10), column model: is missing; each row needs one, or the defaults do",
        (
            "row 7 (line 11): has 8 cells where the header has 7; a cell that holds the separator must stand "
            "in quotation marks"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "a.csv", "it has no rows; it needs one per video"),
        (b"\xef\xbb\xbf\n \n", "a.jsonl", "it has no rows"),
        (b"[]", "a.json", "it has no rows"),
        (b"prompt\n\n", "a.csv", "it has no rows"),
        (
            "prompt\ncafé, Zürich\n".encode() + b"caf\xe9\n",
            "a.csv",
            "line 3 is not UTF-8 (byte 0xE9); save it",
        ),
        (b'{"prompt": "caf\xe9"}\n', "a.jsonl", "line 1 is not UTF-8 (byte 0xE9); save it as UTF-8"),
        (b"prompt\n\x81\n", "a.csv", "line 2 is not UTF-8 (byte 0x81)"),
        (b"prompt\na\nb\0\n", "a.csv", "row 2 (line 3): holds a NUL character"),
        (b"prompt,prompt\na,b\n", "a.csv", "line 1: the column 'prompt' appears more than once"),
        (b"prompt,\na,b\n", "a.csv", "row 1 (line 2): 'b' stands in a column without a name"),
        (b"prompt\na\nb, c\n", "a.csv", "row 2 (line 3): has 2 cells where the header has 1; a cell that"),
        (
            b'prompt\n"a\nb\nc\n',
            "a.csv",
            "row 1 (line 2): cannot be read, and nothing after it (unexpected end",
        ),
        (b'{"prompt": "a"}\n{"prompt": }\n', "a.jsonl", "row 2 (line 2): is not JSON: Expecting value"),
        (b'[{"prompt": Infinity}]', "a.json", "row 1, column prompt: Input should be a valid string"),
        (b'[{"prompt": "\\ud800"}]', "a.json", "row 1, column prompt: Input should be a valid string"),
        (b"[" * 100_000, "a.json", "it is nested too deeply"),
        (b"[3]", "a.json", "row 1: must be an object like {'prompt': '...'}, not '3'"),
        (b"prompt\na\n", "a.xlsx", "its name must end with .csv, .tsv, .jsonl, .ndjson, .json; load any"),
        (b"prompt\n" + b"a\n" * 10_001, "a.csv", "line 10002: it has more than 10,000 rows; split it"),
        (b"prompt\n" + b" " * 50_000_000, "a.csv", "it has more than 50 MB; split it"),
        (
            ",".join(f"c{n}" for n in range(201)).encode() + b"\na\n",
            "a.csv",
            "row 1 (line 2): has more than 200",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_what_cannot_be_read_is_said_with_its_line(content: bytes, name: str, told: str) -> None:
    (only,) = errors(content, name, defaults=TEXT)
    assert only.startswith(told)


def test_many_errors_are_bounded_and_survive_pickling() -> None:
    manifest = "prompt,n_frames,promt\n" + "".join(f"a,{number},x\n" for number in range(16, 1216))
    with pytest.raises(ManifestError) as refused:
        rows(manifest, defaults=TEXT)
    told = str(refused.value)
    assert told == str(pickle.loads(pickle.dumps(refused.value)))
    assert told.startswith("campaign.csv has 2,400 errors:\n- row 1 (line 2), ")
    assert "did you mean 'prompt'? (and 1,199 more rows)" in told
    assert "\nand 1,151 more.\nCharged: no.\nNext: Correct the manifest" in told
    assert (refused.value.count, len(refused.value.errors)) == (2400, 1000)


def test_ten_thousand_rows_take_little_time_and_no_text_takes_much() -> None:
    manifest = "animal\n" + "".join(f"animal {number}\n" for number in range(10_000))
    begun = time.process_time()
    assert len(rows(manifest, defaults={**TEXT, "prompt": "A {animal}"})) == 10_000
    assert time.process_time() - begun < 2
    begun = time.process_time()
    for text in ("{" * 300_000, "{a" * 150_000, "{{" + "a" * 300_000, "{a}" * 100_000, "}" * 300_000):
        assert errors([{"prompt": text, "x" * 100_000: text}], defaults=TEXT)
    assert time.process_time() - begun < 5


async def test_a_manifest_is_read_from_disk_and_from_any_storage(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt\na cat\n")
    places = RemoteFileSystem(basepath="memory://manifests")
    await places.write_path("week 1/a.csv", b"prompt\na cat\n")
    for path, storage in [
        (tmp_path / "a.csv", None),
        (Path("a.csv"), LocalFileSystem(basepath=str(tmp_path))),
        (Path("week 1/a.csv"), places),
    ]:
        (video,) = parse_table(await load_table(path, storage), TEXT)
        assert video.request.title == "a cat"
    here = LocalFileSystem(basepath=str(tmp_path))
    for path, storage, told in [
        (tmp_path, None, "no such file"),
        (tmp_path / "b.csv", None, "there is no such file: .* on the machine that runs this"),
        (Path("/dev/zero"), None, "no such file"),
        (Path("s3://bucket/a.csv"), None, "for one in a storage block, give table.storage"),
        (Path("b.csv"), here, "there is no such file"),
        (Path("../a.csv"), here, "lies outside"),
        (Path("b.csv"), places, "there is no such file: memory://manifests/b.csv"),
    ]:
        with pytest.raises(ManifestError, match=told):
            await load_table(path, storage)


async def test_a_storage_that_does_not_answer_is_no_error_of_the_manifest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(self: RemoteFileSystem, path: str) -> bytes:
        raise ConnectionError(f"no way to ftp://me:secret@host/{path}")

    monkeypatch.setattr("prefect_kie.storage.fsspec.RemoteStorage.read", fails)
    with pytest.raises(ServiceUnavailable, match=r"ftp://me:\*\*\*@host") as away:
        await load_table(Path("a.csv"), RemoteFileSystem(basepath="memory://manifests"))
    assert away.value.billed == "no"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["{a}", "sora-2", KLING, "10.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["model", "prompt", "Prompt", "take", "input", "shots", "image_urls", "n_frames", "remove_watermark", "a"]
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


@settings(max_examples=50, deadline=None)
@given(
    manifest=st.binary()
    | st.text(alphabet='amodelprompt,;\t"\n\r {}[]:10=sep').map(str.encode)
    | st.lists(OBJECTS).map(lambda objects: json.dumps(objects).encode())
    | st.lists(OBJECTS).map(lambda objects: "\n".join(map(json.dumps, objects)).encode()),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".json"]),
    defaults=OBJECTS,
    columns=st.dictionaries(NAMES, NAMES | st.none(), max_size=2),
)
def test_no_bytes_raise_anything_but_errors_of_the_manifest(
    manifest: bytes, suffix: str, defaults: dict[str, Any], columns: dict[str, str | None]
) -> None:
    try:
        made = rows(manifest, f"a{suffix}", defaults=defaults, columns=columns)
    except ManifestError as error:
        pickle.loads(pickle.dumps(error))
        str(error).encode()
    else:
        assert made
        assert all(json.dumps(row.request.body(), allow_nan=False).encode() for row in made)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0{\ufeff"), max_size=200
        ).filter(str.strip),
        min_size=1,
        max_size=10,
    ),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_comes_back(texts: list[str], delimiter: str) -> None:
    content = written([["model", "prompt"], *([TEXT["model"], text] for text in texts)], delimiter)
    assert [row["prompt"] for row in inputs(content)] == [text.strip() for text in texts]
