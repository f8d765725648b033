"""Writes the request classes of all living models from the catalogue: `make models`.

One module per family in `src/prefect_kie/models/`, an index of them, and what type checkers read of their
tasks. With `--check` nothing is written: it fails where what is there is not what the catalogue says.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog import MODELS, ROOT, Entry, load, overlay

HEAD = """\"\"\"{what}

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
\"\"\"

"""
SENT_AS = {"model": "model_version", "title": "track_title"}
"""Fields whose names are a request's own: what they are called in Python."""
KEPT = ("sora",)
"""Families that Kie serves no more, whose classes stay."""
PAGE = ROOT / "docs/models.md"
MARKS = "<!-- models: begin -->", "<!-- models: end -->"
TYPES = (
    *("Address", "IsAddress", "IsNumber", "NotBlank", "NumberAsText", "TextAsNumber", "one_of"),
    *("Handle", "Seconds", "StoryboardSeconds", "Timestamps"),
)
"""What fields are made of: those of `models/fields.py` that a module uses are imported."""
RESULTS = {
    **dict.fromkeys(
        ("music", "music-tool", "voice", "text-to-speech", "audio-isolation", "sound-effect"), "audio"
    ),
    **dict.fromkeys(("text-to-image", "image-to-image", "image-upscale", "layer-decomposition"), "image"),
    **dict.fromkeys(("music-text", "speech-to-text", "image-analysis"), "text"),
}
"""What each kind of model makes; all others make videos."""
CAST = json.loads((MODELS / "characters.json").read_text())
"""How models keep characters."""


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is stale")
    options = parser.parse_args()
    written = _formatted(dict(_modules())) | {PAGE: _page(load(), overlay())}
    made = {path: text for path, text in written.items() if _read(path) != text}
    if options.check:
        for path in made:
            print(f"{path.relative_to(ROOT)} is stale: run make models", file=sys.stderr)
        return int(bool(made))
    for path, text in made.items():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _formatted(modules: Mapping[Path, str]) -> dict[Path, str]:
    with tempfile.TemporaryDirectory() as folder:
        names = {Path(folder, f"{number}.py"): path for number, path in enumerate(modules)}
        for file, path in names.items():
            file.write_text(modules[path])
        config = ("--config", str(ROOT / "pyproject.toml"), "--quiet")
        ruff = (sys.executable, "-m", "ruff")
        subprocess.run([*ruff, "check", "--fix", "--select", "I,F401,RUF022", *config, folder], check=True)
        subprocess.run([*ruff, "format", *config, folder], check=True)
        return {path: file.read_text() for file, path in names.items()}


def _modules() -> Iterator[tuple[Path, str]]:
    words = overlay()
    families: defaultdict[str, list[Entry]] = defaultdict(list)
    entries = [
        one for one in load() if (one["status"] == "live" or one["family"] in KEPT) and "call" not in one
    ]
    for entry in entries:
        families[entry["family"]].append(entry)
    for family, members in families.items():
        yield MODELS / f"{_module(family)}.py", _family(family, members, words)
    yield MODELS / "index.py", _index(entries)
    yield MODELS / "_classes.py", _classes(entries)
    yield ROOT / "tasks/_of_models.py", _tasks(entries)


def _module(family: str) -> str:
    return family.replace("-", "_")


def class_name(task: str) -> str:
    """`kling_3_0_video` as a class: `Kling30Video`."""
    return "".join(part.capitalize() for part in task.split("_"))


def _family(family: str, members: list[Entry], words: dict[str, Any]) -> str:
    body = "\n\n".join(_Class(entry, words).text for entry in members)
    return (
        HEAD.format(what=f"Requests of the family {family}.")
        + "from typing import Annotated, ClassVar, Literal\n\n"
        + "from pydantic import Field\n\n"
        + f"from prefect_kie.models.fields import {', '.join(TYPES)}\n"
        + "from prefect_kie.models.rules import CatalogRequest, Part, Variant\n\n\n"
        + body
        + "\n"
    )


class _Class:
    """One model's class, and those of its fields' objects before it."""

    def __init__(self, entry: Entry, words: dict[str, Any]) -> None:
        self._entry, self._own = entry, words["models"][entry["model"]]
        self._help: dict[str, str] = words["help"]
        self._parts: list[str] = []
        self._name = class_name(entry["task"])
        title = words["titles"].get(entry["model"]) or entry["title"] or entry["model"]
        lines = [*self._constants(), f"model: Literal[{entry['model']!r}] = {entry['model']!r}"]
        for name, field in entry["fields"].items():
            lines += self._field(name, name, {**field, **self._own.get("limits", {}).get(name, {})})
        summary = f'"""{self._own["summary"].rstrip(".")} ({entry["model"]})."""'
        head = f"class {self._name}(CatalogRequest, title={title!r}):"
        self.text = "\n\n".join([*self._parts, _block(head, [summary, "", *lines])])

    def _constants(self) -> Iterator[str]:
        entry, own = self._entry, self._own
        kind = "text" if entry["result"]["shape"] == "object" else RESULTS.get(entry["kind"], "video")
        kind = own.get("makes", kind)
        if kind != "video":
            yield f"result_kind: ClassVar[str] = {kind!r}"
        yield f"usual_seconds: ClassVar[float] = {float(own['usual_seconds'])!r}"
        if entry.get("progress"):
            yield "reports_progress: ClassVar[bool] = True"
        yield from self._always_sent("", entry["fields"])
        rules = [*entry.get("constraints", []), *own.get("constraints", [])]
        if into := self._cast_into():
            yield f"cast_into: ClassVar[str | None] = {into!r}"
            if entry["fields"][into].get("required"):
                rules.append(["no @handle", "needs", into])
        if rules:
            rows = ", ".join(f"({', '.join(repr(_renamed(word)) for word in rule)})" for rule in rules)
            yield f"constraints: ClassVar[tuple[tuple[str, ...], ...]] = ({rows},)"
        if variants := entry.get("variants"):
            yield f"variants: ClassVar[tuple[Variant, ...]] = ({', '.join(map(_variant, variants))},)"
        yield ""

    def _cast_into(self) -> str | None:
        """The field that a prompt with characters fills, where a prompt can name them."""
        into = CAST.get(self._entry["model"], {}).get("field")
        return str(into) if into in self._entry["fields"] and "prompt" in self._entry["fields"] else None

    def _always_sent(self, path: str, fields: Mapping[str, Entry]) -> Iterator[str]:
        told = sorted(
            _attribute(name)
            for name, field in fields.items()
            if self._default(path + name, field) is not None
            and (
                field.get("required")
                or field.get("disputed")
                or path + name in self._own.get("always_sent", ())
            )
        )
        if told:
            yield f"always_sent: ClassVar[frozenset[str]] = frozenset({{{', '.join(map(repr, told))}}})"

    def _field(self, path: str, name: str, field: Entry) -> list[str]:
        kind = self._own.get("types", {}).get(path) or self._type(path, field)
        default = self._default(path, field)
        needed = field.get("required", False) and default is None and path != self._cast_into()
        if default is None and not needed:
            kind, value = f"{kind} | None", " = None"
        else:
            value = "" if needed else f" = {default!r}"
        text = self._own.get("fields", {}).get(path) or self._help.get(path) or self._help[name]
        return [f"{_attribute(name)}: {kind}{value}", f'"""{_escaped(text)}"""']

    def _default(self, name: str, field: Entry) -> Any:
        own = self._own.get("default", {})
        given = own[name] if name in own else field.get("default")
        allowed = field.get("enum")
        empty = given in ("", [""]) or (given == [] and name not in own)
        return None if empty or (allowed and given not in allowed) else given

    def _type(self, path: str, field: Entry, *, item: bool = False) -> str:
        options: dict[str, Any] = {}
        extra: list[str] = []
        checks: list[str] = []
        match field["type"]:
            case "array":
                inner = self._type(f"{path}[]", field["items"], item=True)
                base = f"list[{inner}]"
                needed = field.get("required") and self._default(path, field) is None and not item
                least = field.get("min_items") or (1 if needed else None)
                options = {"min_length": least, "max_length": field.get("max_items")}
            case "object":
                return (
                    self._part(path.removesuffix("[]"), field["properties"])
                    if field.get("properties")
                    else "dict[str, object]"
                )
            case "boolean":
                base = "Literal[False]" if field.get("enum") == [False] else "bool"
            case "string" if field.get("enum"):
                base = f"Literal[{', '.join(map(repr, field['enum']))}]"
                if any(str(value).isdigit() for value in field["enum"]):
                    extra.append("NumberAsText")
            case "string":
                is_address = field.get("format") == "uri" or re.search(r"_urls?(\[\])?$", path)
                base = "Address" if is_address else "str"
                says = base == "str" and bool(field.get("required") or item)
                least, most = field.get("min_length") or (1 if says else None), field.get("max_length")
                options = {"min_length": least, "max_length": most}
                checks = ["NotBlank"] if says else []
                if is_address and (least or most):
                    base, checks = "str", ["IsAddress"]
            case "integer" if field.get("enum"):
                base = f"Literal[{', '.join(map(repr, field['enum']))}]"
                extra.append("TextAsNumber")
            case "integer" | "number":
                base, checks = "int" if field["type"] == "integer" else "float", ["IsNumber"]
                options = {"ge": field.get("min"), "le": field.get("max")}
                if field.get("enum"):
                    extra.append(f"one_of({', '.join(map(repr, field['enum']))})")
                    options["json_schema_extra"] = {"enum": field["enum"]}
            case other:
                raise ValueError(f"{self._entry['model']}.{path}: no type for {other!r}")
        if limits := ", ".join(f"{name}={value!r}" for name, value in options.items() if value is not None):
            extra.append(f"Field({limits})")
        extra += checks  # after the limits, which pydantic tells of in other words where they come last
        return f"Annotated[{', '.join([base, *extra])}]" if extra else base

    def _part(self, path: str, properties: Mapping[str, Entry]) -> str:
        name = self._own.get("parts", {}).get(path)
        name = name or self._name + class_name(re.sub(r"\W+", "_", path).removesuffix("s"))
        lines = [*self._always_sent(f"{path}.", properties)]
        if lines:
            lines.append("")
        for inner, field in properties.items():
            lines += self._field(f"{path}.{inner}", inner, field)
        self._parts.append(
            _block(f"class {name}(Part):", [f'"""One of `{path}` of {self._entry["model"]}."""', "", *lines])
        )
        return name


def _attribute(name: str) -> str:
    return SENT_AS.get(name, name)


def _renamed(word: str) -> str:
    """A rule's word, with the field's name in Python."""
    name, equals, value = word.partition("=")
    return f"{_attribute(name)}{equals}{value}"


def _variant(variant: Entry) -> str:
    limits = {
        _attribute(name): (field.get("min_items", 0), field["max_items"])
        for name, field in variant["fields"].items()
        if "max_items" in field and field["type"] == "array"
    }
    values = {
        _attribute(name): tuple(field["enum"]) for name, field in variant["fields"].items() if "enum" in field
    }
    allowed = tuple(map(_attribute, variant["allowed"])) if variant.get("allowed") else None
    required = tuple(map(_attribute, variant["required"]))
    return f"Variant({variant['name']!r}, {required!r}, {allowed!r}, limits={limits!r}, values={values!r})"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _block(head: str, lines: list[str]) -> str:
    return "\n".join([head, *(f"    {line}" if line else "" for line in lines)]) + "\n"


def _index(entries: list[Entry]) -> str:
    tabs = {kind: tuple(names) for kind, names in overlay()["tabs"].items()}
    known = {one["model"]: (_module(one["family"]), class_name(one["task"]), one["task"]) for one in entries}
    rows = "\n".join(f"    {model!r}: Known{where!r}," for model, where in known.items())
    return (
        HEAD.format(what="Where each model's request is.")
        + "from collections.abc import Mapping\nfrom typing import NamedTuple\n\n\n"
        + "class Known(NamedTuple):\n"
        + '    """The module of a model here, the class of its request, and the name of its task."""\n\n'
        + "    module: str\n    class_name: str\n    task: str\n\n\n"
        + f"MODELS: Mapping[str, Known] = {{\n{rows}\n}}\n"
        + '"""By the model\'s name at Kie."""\n\n'
        + f"TABS: Mapping[str, tuple[str, ...]] = {tabs!r}\n"
        + '"""The models that forms offer first, by what they make."""\n'
    )


def _classes(entries: list[Entry]) -> str:
    names = {class_name(one["task"]): _module(one["family"]) for one in entries}
    rows = "\n".join(f"from prefect_kie.models.{module} import {name}" for name, module in names.items())
    listed = "\n".join(f"    {name!r}," for name in names)
    return HEAD.format(what="All requests, for type checkers.") + rows + f"\n\n__all__ = [\n{listed}\n]\n"


def _tasks(entries: list[Entry]) -> str:
    rows = "\n".join(
        f"{one['task']}: ModelTask[models.{class_name(one['task'])}]\n"
        f'"""Submit a job of {one["model"]}, once."""'
        for one in sorted(entries, key=lambda one: str(one["task"]))
    )
    names = "\n".join(f"    {one['task']!r}," for one in sorted(entries, key=lambda one: str(one["task"])))
    return (
        HEAD.format(what="The tasks of all models, for type checkers; each is made when it is first used.")
        + "from prefect_kie import models\nfrom prefect_kie.tasks.models import ModelTask\n\n"
        + f"__all__ = [\n{names}\n]\n\n"
        + rows
        + "\n"
    )


def _page(entries: list[Entry], words: dict[str, Any]) -> str:
    """The page of models, with its tables as the catalogue is now."""
    before, _, rest = PAGE.read_text().partition(MARKS[0])
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for one in entries:
        if one["status"] == "live" and "call" not in one:
            summary = words["models"][one["model"]]["summary"]
            name = class_name(one["task"])
            kinds[one["kind"]].append(f"| `{one['model']}` | `{name}` | `{one['task']}` | {summary} |")
    tables = [
        "\n".join(
            [
                f"### {kind.replace('-', ' ').capitalize()}",
                "",
                "| model | request | task | makes |",
                "|---|---|---|---|",
                *rows,
            ]
        )
        for kind, rows in sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    ]
    return "\n\n".join([before + MARKS[0], *tables, MARKS[1]]) + rest.partition(MARKS[1])[2]


if __name__ == "__main__":
    sys.exit(main())
