"""How requests show in a form that a UI makes from their JSON schema.

What Kie is sent does not depend on it: fields in a form's groups count as the same fields beside the others.
"""

import ast
import inspect
import re
import sys
from copy import deepcopy
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema


def described(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Each field says what it means and is easy to fill in: for a model's `json_schema_extra`."""
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    for cls in model.__mro__:
        for name, meaning in meanings(cls).items():
            if name in fields:
                fields[name].setdefault("description", meaning)
    if "model" in fields:
        fields["model"].setdefault("description", "The model's name at Kie; leave it as it is.")
    for name, field in fields.items():
        if field.get("title") == name.replace("_", " ").title():  # pydantic's own; others are ours
            field["title"] = name.replace("_", " ").capitalize()
    _plain_optionals(fields)


def meanings(model: type) -> dict[str, str]:
    """What a model's own fields mean, by name: the docstrings below them."""
    # pydantic's own `use_attribute_docstrings` takes tens of milliseconds of each import for it.
    return _docstrings(model.__module__).get(model.__qualname__, {})


class Form(BaseModel):
    """What a person fills in: base of groups of fields, each of which says what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=described)


def _to_change(schema: dict[str, Any], model: type[BaseModel]) -> None:
    described(schema, model)
    schema["title"] = OPEN


def _plain_optionals(fields: dict[str, dict[str, Any]]) -> None:
    """A field that may be left out is one field, not a choice between tabs "text" and "None".

    Not for yes or no: the older UI sends the no that nobody chose as soon as its toggle is shown. Not for a
    drop-down: the null that forms send for what was left out is none of its values, and with null among them
    the newer UI draws no drop-down.
    """
    for field in fields.values():
        choices: list[dict[str, Any]] = field.get("anyOf", [])
        if len(choices) != 2 or choices[1] != {"type": "null"}:
            continue
        if choices[0].get("type") not in (None, "boolean") and "enum" not in choices[0]:
            del field["anyOf"]
            field.pop("default", None)  # null, which the plain type would refuse
            field.update({**choices[0], **field})


CLOSED, OPEN = "As usual", "Change"
"""The tabs of a group that can be closed."""
USUAL = frozenset(
    {"prompt", "text", "lyrics", "style", "instrumental", "duration", "n_frames"}
    | {"aspect_ratio", "image_size", "resolution", "size", "quality", "mode"}
)
"""What people set in a form: a request's other optional fields are in a group that is closed at first."""


def close_rare_fields(request: dict[str, Any], *, alone: bool = False) -> None:
    """Have the rarer fields of a model's request in a group that is closed at first; `alone`: it has no tab.

    The group's key is the model's name, which no other model's form has: UIs find the tab of a request by its
    keys, the classic one with every letter typed. So each tab has such a group, if only for the model's name.
    The same fields beside the others are taken as well.
    """
    fields, needed = request["properties"], request.get("required", [])
    model = fields["model"].get("default")
    rare = {name: field for name, field in fields.items() if name not in {*USUAL, *needed, "model"}}
    if model is None or (alone and not rare):
        return
    chosen = {"enum": [model], **fields["model"]}
    del chosen["const"]  # of which the classic UI says that it cannot be changed
    null = {"type": "null"}
    beside = {name: one if "default" in one else {"anyOf": [one, null]} for name, one in rare.items()}
    # A UI that took another tab for this request's has left its group, with nothing in it.
    others = {f"^(?!{re.escape(model)}$).*[-/]": {"type": "object", "maxProperties": 0}}
    request.pop("additionalProperties")
    request["unevaluatedProperties"] = False
    request |= {"if": {}, "then": {"properties": deepcopy(beside), "patternProperties": others}}
    titles = ", ".join(field["title"] for field in rare.values()) or "Model"
    if not any("default" in field for field in rare.values()):
        rare["model"] = deepcopy(chosen)  # UIs leave out a group with nothing in it, and its key
    group = {"type": "object", "title": OPEN, "properties": rare, "additionalProperties": False}
    words: dict[str, Any] = {"title": "More for this model", "description": f"{titles.capitalize()}."}
    usual = {name: field for name, field in fields.items() if name not in {*rare, "model"}}
    request["properties"] = {**usual, "model": chosen, model: {**words, **_closed(group), "default": {}}}


@cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """The docstrings below the fields of a module's classes, by class and field; none without its source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef):
            texts = found[cls.name] = {}
            for field, below in pairwise(cls.body):
                match field, below:
                    case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                        texts[name] = inspect.cleandoc(words)
                    case _:
                        pass
    return found


class ByItsModel:
    """An annotation for a union of requests: the one that `model` names says what is wrong, not `anyOf`."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        named: dict[str, Any] = {}
        for choice in reversed(schema["anyOf"]):
            request = handler.resolve_ref_schema(choice)
            model = request["properties"]["model"].get("default")
            if model is None:
                continue
            if model not in request["properties"]:
                close_rare_fields(request)
            names = {"type": "object", "properties": {"model": {"const": model}}, "required": ["model"]}
            rule = {"if": names, "then": choice}
            named = {**rule, "else": named} if named else rule
        return {**schema, **named}


class Group(Form, json_schema_extra=_to_change):
    """Fields that a person seldom fills in: where it is `Closed`, one line until somebody opens it."""


class Closed:
    """One line until somebody opens it: an annotation for a `Group`.

    Neither UI can fold a group, but both draw only the chosen one of several kinds, and an object without
    properties as next to nothing: the classic one as an empty frame. A null says 'Property is type "None"'.
    """

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return _closed(handler(core))


def _closed(group: dict[str, Any]) -> dict[str, Any]:
    # The closed kind takes any object, so that a refusal names the field: "anyOf" says only that none fits.
    closed: dict[str, Any] = {"type": "object", "title": CLOSED, "properties": {}}
    return {"anyOf": [closed, group], "if": {}, "then": deepcopy(group)}


class Tabs:
    """An annotation for a union: titles of its tabs in a form, for the kinds that have none of their own."""

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        kinds: list[dict[str, Any]] = []
        for kind in schema["anyOf"]:  # a union's own kinds stand beside the others
            kinds += kind.pop("anyOf", [kind])
            schema |= kind if "if" in kind else {}
        unnamed = [kind for kind in kinds if "$ref" not in kind]
        for kind, title in zip(unnamed, self._titles, strict=True):
            kind["title"] = title
        return {**schema, "anyOf": kinds}
