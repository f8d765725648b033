"""`prefect-kie models`: what it says of Kie's models, with and without Kie."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

import pytest
from prefect.context import SettingsContext, get_settings_context

from prefect_kie.api import CatalogModel, ModelSchema, ServiceUnavailable, SuccessRate
from prefect_kie.cli import model_page
from prefect_kie.cli import models as command
from prefect_kie.cli.doctor import models_in
from prefect_kie.cli.main import main
from prefect_kie.models.catalog import changes, limits_text, live_fields, package_catalog, refreshed

ROOT = Path(__file__).parent.parent.parent

Z_IMAGE = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "maxLength": 2000},
        "aspect_ratio": {"type": "string", "enum": ["1:1", "4:3", "3:4", "16:9", "21:9"], "default": "1:1"},
        "seed": {"type": "integer", "minimum": 0},
    },
    "required": ["prompt"],
}
ANY = {"type": "object", "properties": {"text": {"type": "string"}, "seconds": {"enum": [5, 10]}}}
ANY["required"] = ["text", "seconds"]  # type: ignore[assignment]


class Live:
    """A live catalogue of three models."""

    listed: ClassVar = [
        CatalogModel(model="z-image", kinds=("text-to-image",), price="0.8 credits a picture"),
        CatalogModel(model="acme/any-video", title="Any", kinds=("text-to-video",), price="7 a second"),
        CatalogModel(model="acme/chat", kinds=("chat",)),
    ]
    schemas: ClassVar = {"z-image": Z_IMAGE, "acme/any-video": ANY}

    def __init__(self, *_: Any, **__: Any) -> None: ...

    async def models(self, *needed: str) -> list[CatalogModel]:
        return self.listed

    async def schema(self, model: str) -> ModelSchema | None:
        return ModelSchema(model=model, input=self.schemas[model])

    async def price(self, model: str) -> CatalogModel:
        raise ServiceUnavailable("the price was not to be had")

    async def success_rate(self, model: str) -> SuccessRate:
        return SuccessRate(model=model)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    """A Prefect home of its own, and no server."""
    now = get_settings_context()
    api = now.settings.api.model_copy(update={"url": None})
    settings = now.settings.model_copy(update={"home": tmp_path / "home", "api": api})
    with SettingsContext(profile=now.profile, settings=settings):
        yield


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LiveCatalog", Live)
    monkeypatch.setenv("KIE_API_KEY", "a-key-of-tests")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["models", *words]) == 0
    return capsys.readouterr().out


def test_without_a_key_the_package_tells_what_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "list", "--kind", "image", "--family", "z-image")
    assert out.splitlines()[1].split() == ["z-image", "text-to-image", "0.8"]
    assert "Kie was not asked: There is no key: set KIE_API_KEY" in " ".join(out.split())
    assert main(["models", "diff"]) == 1
    assert "KIE_API_KEY" in capsys.readouterr().err


def test_lists_fit_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "list")
    assert max(map(len, out.splitlines())) <= 80
    assert all(name in out for name in package_catalog())
    assert "sora-2-text-to-video" in out


def test_words_have_to_be_there_all(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "list", "kling", "turbo")
    assert "kling/v3-turbo-text-to-video" in out
    assert "kling-3.0/video" not in out


@pytest.mark.usefixtures("live")
def test_a_list_has_what_is_new_and_what_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = {line.split()[0]: line for line in said(capsys, "list").splitlines() if line.strip()}
    assert "not typed" in lines["acme/any-video"]
    assert "7 a second" in lines["acme/any-video"]
    assert "retired" in lines["kling-3.0/video"]
    assert "retired" not in lines["z-image"]
    assert "acme/chat" not in lines


def test_each_model_is_shown() -> None:
    now = datetime.now(timezone.utc)
    for name, entry in package_catalog().items():
        lines = [*model_page.shown(entry, "", None, "", SuccessRate(model=name), now)]
        assert max(len(line) for line in lines if not line.startswith("Example")) <= 80
        assert any(line.startswith(f"Example: await run_model({name!r}") for line in lines)


@pytest.mark.usefixtures("live")
def test_one_model_as_kie_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "show", "acme/any-video")
    assert "Not typed in this version: checked by Kie's own schema" in out
    assert "  seconds (required): 5 or 10" in out
    assert "Example: await run_model('acme/any-video', text='…', seconds=5)" in out
    assert "the price was not to be had" in out
    out = said(capsys, "show", "z-image")
    assert "Newer than this version: seed is new: a whole number, at least 0" in out
    assert "Newer than this version: aspect_ratio also takes '21:9'" in out
    assert main(["models", "show", "acme/none"]) == 1


def test_the_bar_has_a_block_an_hour() -> None:
    rates = (None,) * 6 + (0.0,) * 6 + (1.0,) * 6 + (0.5,) * 6 + (1.0,) * 120
    bar = model_page.bar(SuccessRate(model="a", rates=rates))
    assert len(bar) == 24
    assert bar.startswith("·▁█▅█")
    assert model_page.bar(SuccessRate(model="a", rates=(1.0, None))) == "█·"


@pytest.mark.usefixtures("live")
def test_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "diff", "z-image", "acme/any-video", "kling-3.0/video", "acme/none")
    assert out.splitlines() == [
        "+ acme/any-video is new at Kie, and not in this package",
        "+ acme/none is in neither catalogue",
        "- kling-3.0/video is in this package, and no longer in Kie's catalogue",
        "~ z-image: aspect_ratio also takes '21:9'",
        "~ z-image: aspect_ratio no longer takes '9:16'",
        "~ z-image: aspect_ratio is optional now",
        "~ z-image: nsfw_checker is gone",
        "~ z-image: prompt: max length 2000 instead of 1000",
        "~ z-image: seed is new: a whole number, at least 0",
        "9 differences.",
    ]


@pytest.mark.usefixtures("live")
def test_a_checkout_is_refreshed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("tools/catalog.py", "src/prefect_kie/models/catalog.json"):
        (tmp_path / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, tmp_path / path)
    said(capsys, "refresh", "--checkout", str(tmp_path))
    text = (tmp_path / "src/prefect_kie/models/catalog.json").read_text()
    entries = {entry["model"]: entry for entry in json.loads(text)}
    old = package_catalog()["z-image"]
    assert entries["z-image"] == {**old, "fields": entries["z-image"]["fields"]}
    assert entries["z-image"]["fields"]["prompt"] == {"required": True, "type": "string", "max_length": 2000}
    assert entries["kling-3.0/video"] == {**package_catalog()["kling-3.0/video"], "status": "retired"}
    new = entries["acme/any-video"]
    assert (new["task"], new["family"], new["kind"]) == ("acme_any_video", "acme", "text-to-video")
    assert "acme/chat" not in entries
    assert main(["models", "refresh", "--checkout", str(tmp_path / "none")]) == 1


def test_a_refresh_keeps_what_no_schema_says() -> None:
    ours = {
        "pictures": {
            "required": True,
            "type": "array",
            "max_items": 2,
            "max_file_mb": 10.0,
            "accepts": ["png"],
            "items": {"type": "string", "format": "uri"},
        },
        "size": {"required": False, "type": "string", "enum": ["1K"], "default": "1K", "disputed": True},
        "same": {
            "required": False,
            "type": "object",
            "properties": {"a": {"required": True, "type": "string"}},
        },
    }
    schema = {
        "properties": {
            "size": {"type": "string", "enum": ["1K", "2K"], "default": "2K"},
            "same": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            "pictures": {"type": "array", "maxItems": 4, "items": {"type": "string"}},
        },
        "required": ["pictures", "size"],
    }
    live_ = live_fields(ModelSchema(model="a", input=schema))
    new = refreshed(ours, live_)
    assert [*new] == ["pictures", "size", "same"]
    assert new["pictures"] == {**ours["pictures"], "max_items": 4}
    assert new["size"] == {**ours["size"], "enum": ["1K", "2K"]}
    assert new["same"] is ours["same"]
    assert [*changes(new, live_)] == []


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"type": "string", "max_length": 5}, "text, at most 5 characters"),
        ({"type": "number", "min": 0, "max": 1, "default": 0.5}, "a number, 0 to 1; default 0.5"),
        ({"type": "boolean"}, "true or false"),
        (
            {"type": "array", "items": {"type": "string", "format": "uri"}, "max_items": 3},
            "list, at most 3 items, each an address",
        ),
        ({"type": "object", "properties": {"a": {}, "b": {}}}, "object with a, b"),
        ({"type": "string", "enum": ["5"]}, "'5'"),
    ],
)
def test_limits_in_words(field: dict[str, Any], text: str) -> None:
    assert limits_text(field) == text


def test_the_models_of_a_deployment() -> None:
    parameters = {
        "request": {"model": "a", "input": {"model": "V5"}},
        "options": {"retry": {"fallbacks": [{"model": "b"}, "text"]}},
        "model": None,
    }
    assert [*models_in(parameters)] == ["a", "b"]
