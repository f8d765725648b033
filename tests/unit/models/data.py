"""Bodies of every model, made from the catalogue's data by code that knows nothing of the generator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
Field = dict[str, Any]
Input = dict[str, Any]

SENT_AS_PYTHON = {"model": "model_version", "title": "track_title"}
ADDRESS = "https://files.example/a.png"


@dataclass(frozen=True)
class Rule:
    """One constraint: a condition, what follows, and what it follows for."""

    words: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The fields that it speaks of."""
        words = self.words[1:] if self.words[0] == "any-of" else self.words[::2]
        return [word.removeprefix("no ").partition("=")[0] for word in words]


@dataclass(frozen=True)
class Model:
    """What the data say of one model."""

    entry: dict[str, Any]
    own: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name at Kie."""
        return str(self.entry["model"])

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Its fields, with our corrections."""
        limits = self.own.get("limits", {})
        return {name: {**field, **limits.get(name, {})} for name, field in self.entry["fields"].items()}

    @property
    def rules(self) -> list[Rule]:
        """The constraints of the catalogue, and ours."""
        return [
            Rule(tuple(rule))
            for rule in (*self.entry.get("constraints", []), *self.own.get("constraints", []))
        ]

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The shapes that its input may have."""
        return list(self.entry.get("variants", []))

    def without(self, rule: Rule) -> Model:
        """The model as it were without one of its rules."""
        left, own = (
            [words for words in some.get("constraints", []) if tuple(words) != rule.words]
            for some in (self.entry, self.own)
        )
        return Model({**self.entry, "constraints": left}, {**self.own, "constraints": own})

    def default(self, name: str) -> Any:
        """What holds where a field is left out; None: nothing is known."""
        own = self.own.get("default", {})
        value = own.get(name, self.fields[name].get("default"))
        allowed = self.fields[name].get("enum")
        nothing = value in ("", [""]) or (value == [] and name not in own)
        return None if nothing or (allowed and value not in allowed) else value

    def needs(self, name: str) -> bool:
        """Whether a field must be given."""
        return bool(self.fields[name].get("required")) and self.default(name) is None

    def sent_by_itself(self) -> Input:
        """What is sent though it was not given."""
        return {
            name: self.default(name)
            for name, field in self.fields.items()
            if self.default(name) is not None
            and (name in self.own.get("always_sent", ()) or field.get("disputed") or field.get("required"))
        }

    def says(self, given: Input, name: str) -> bool:
        """Whether a field has a value of its own: neither empty nor the default."""
        value = given.get(name)
        return value not in (None, [], "") and value != self.default(name)

    def holds(self, given: Input, word: str) -> bool:
        """Whether a rule's word is true."""
        if word.startswith("no "):
            return not self.says(given, word.removeprefix("no "))
        name, equals, wanted = word.partition("=")
        if not equals:
            return self.says(given, name)
        value = given.get(name, self.default(name))
        return str(value).lower() == wanted.lower()

    def keeps(self, rule: Rule, given: Input) -> bool:
        """Whether an input keeps a rule."""
        if rule.words[0] == "any-of":
            return any(self.says(given, name) for name in rule.words[1:])
        condition, relation, other = rule.words
        if not self.holds(given, condition):
            return True
        if relation.startswith("excludes"):
            return not self.holds(given, other)
        if "=" in other:
            return self.holds(given, other)
        return self.has(given, other)

    def has(self, given: Input, name: str) -> bool:
        """Whether a field has a value, be it its default."""
        return self.says(given, name) or self.default(name) not in (None, [])

    def fits(self, variant: dict[str, Any], given: Input) -> bool:
        """Whether an input has a variant's shape."""
        allowed = variant.get("allowed")
        if allowed and any(self.says(given, name) and name not in allowed for name in given):
            return False
        for name, field in variant["fields"].items():
            value = given.get(name)
            if not self.says(given, name):
                continue
            if "enum" in field and value not in field["enum"]:
                return False
            counted = field["type"] == "array" and "max_items" in field
            if counted and not field.get("min_items", 0) <= len(value) <= field["max_items"]:
                return False
        return all(self.has(given, name) for name in variant["required"])

    def valid(self, given: Input) -> bool:
        """Whether an input keeps all rules and has one of the shapes."""
        if not all(self.keeps(rule, given) for rule in self.rules):
            return False
        return not self.variants or any(self.fits(variant, given) for variant in self.variants)

    def values(self, name: str) -> list[Any]:
        """Values that a field takes, the usual one first."""
        field = self.fields[name]
        if field["type"] == "boolean" and "enum" not in field:
            return [True, False]
        if field.get("enum"):
            return list(field["enum"])
        return [full(field, name), *([field["max"]] if "max" in field else [])]

    def least(self) -> Input:
        """The smallest valid input."""
        given = {name: least(field, name) for name, field in self.fields.items() if self.needs(name)}
        found = self.completed(given)
        assert found is not None, f"no valid input of {self.name} was found"
        return found

    def completed(self, given: Input, kept: frozenset[str] = frozenset(), depth: int = 4) -> Input | None:
        """The input with what makes it valid; the fields in `kept` stay as they are."""
        if self.valid(given):
            return given
        if depth == 0:
            return None
        for name in dict.fromkeys(self._concerned()):
            for value in [*self.values(name), *self._sizes(name)]:
                if name in kept or given.get(name) == value:
                    continue
                found = self.completed({**given, name: value}, kept | {name}, depth - 1 if depth < 3 else 1)
                if found is not None:
                    return found
        if depth == 4:
            return self.completed(given, kept, 3) or self.completed(given, kept, 2)
        return None

    def _concerned(self) -> Iterator[str]:
        for rule in self.rules:
            yield from rule.names
        for variant in self.variants:
            yield from variant["required"]

    def _sizes(self, name: str) -> list[Any]:
        field = self.fields[name]
        if field["type"] != "array":
            return []
        return [[full(field["items"], name)] * count for count in range(1, field.get("max_items", 2) + 1)]

    def with_field(self, name: str, value: Any) -> Input | None:
        """A valid input in which a field has a value; None where there is none."""
        needed = {key: least(field, key) for key, field in self.fields.items() if self.needs(key)}
        return self.completed({**needed, name: value}, frozenset({name}))

    def full(self, given: Input | None = None) -> Input:
        """A valid input with as many fields as may stand together."""
        said = dict(self.least() if given is None else given)
        for name in self.fields:
            for value in [] if name in said else self.values(name):
                if self.valid({**said, name: value}):
                    said[name] = value
                    break
        return said

    def sent(self, given: Input) -> Input:
        """What Kie is told: what was given, and what is always sent, without what is excluded."""
        told = {**self.sent_by_itself(), **{name: value for name, value in given.items() if value != []}}
        for rule in self.rules:
            if len(rule.words) == 3 and rule.words[1] == "excludes":
                for held, name in (rule.words[::2], rule.words[::-2]):
                    if name in self.fields and self.holds(given, held) and not self.says(given, name):
                        told.pop(name, None)
        fitting = [variant for variant in self.variants if self.fits(variant, given)]
        if fitting and fitting[0].get("allowed"):
            told = {name: value for name, value in told.items() if name in fitting[0]["allowed"]}
        return {name: completed(self.fields[name], told[name]) for name in self.fields if name in told}


def completed(field: Field, value: Any) -> Any:
    """A value with the defaults that Kie needs in its objects."""
    match field["type"]:
        case "array":
            return [completed(field["items"], one) for one in value]
        case "object" if field.get("properties"):
            parts = field["properties"]
            told = {
                key: value.get(key, one.get("default"))
                for key, one in parts.items()
                if key in value or (one.get("required") and one.get("default") is not None)
            }
            return {key: completed(parts[key], one) for key, one in told.items()}
        case _:
            return value


def least(field: Field, name: str) -> Any:
    """The smallest value of a field."""
    match field["type"]:
        case "array":
            return [least(field["items"], name)] * max(field.get("min_items", 1), 1)
        case "object":
            parts = field.get("properties", {})
            return {
                key: least(one, key)
                for key, one in parts.items()
                if one.get("required") and one.get("default") is None
            }
        case _:
            return full(field, name)


def full(field: Field, name: str) -> Any:
    """A value of a field in which everything is said."""
    if field.get("enum"):
        return field["enum"][0]
    match field["type"]:
        case "boolean":
            return True
        case "integer" | "number":
            return field.get("min", field.get("max", 5))
        case "array":
            return [full(field["items"], name)] * max(field.get("min_items", 1), 1)
        case "object":
            parts = field.get("properties", {})
            return {key: full(one, key) for key, one in parts.items()} or {"any": 1}
        case _:
            text = ADDRESS if is_address(field, name) else "words"
            return text.ljust(field.get("min_length", 0), "x")


def is_address(field: Field, name: str) -> bool:
    """Whether a text is a file's address."""
    return field.get("format") == "uri" or name.endswith(("_url", "_urls"))


def read() -> list[Model]:
    """All living models."""
    entries = json.loads((ROOT / "src/prefect_kie/models/catalog.json").read_text())
    own = json.loads((ROOT / "tools/models_overlay.json").read_text())["models"]
    return [
        Model(entry, own.get(entry["model"], {}))
        for entry in entries
        if entry["status"] == "live" and "call" not in entry
    ]


MODELS = read()
