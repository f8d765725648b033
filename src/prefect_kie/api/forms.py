"""How requests show in a form that a UI makes from their JSON schema.

What is refused and what is sent does not depend on it.
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


def described(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Each field says what it means and is easy to fill in: for a model's `json_schema_extra`."""
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    for cls in model.__mro__:
        for name, meaning in meanings(cls).items():
            if name in fields:
                fields[name].setdefault("description", meaning)
    if "model" in fields:
        fields["model"].setdefault("description", "The model's name at Kie.")
    for name, field in fields.items():
        if field.get("title") == name.replace("_", " ").title():  # pydantic's own; others are ours
            field["title"] = name.replace("_", " ").capitalize()
    _plain_optionals(fields)


def meanings(model: type) -> dict[str, str]:
    """What the fields mean that a model itself has, by name: the docstrings below them.

    pydantic's own `use_attribute_docstrings` takes tens of milliseconds of each import for it.
    """
    return _docstrings(model.__module__).get(model.__qualname__, {})


class Form(BaseModel):
    """What a person fills in: base of groups of fields, each of which says what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=described)


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
    """Of several requests, the one that the field `model` names says what is wrong with the input.

    An annotation for a union of requests. Its own `anyOf` could only say that nothing fits.
    """

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        named: JsonSchemaValue = {}
        for choice in reversed(schema["anyOf"]):
            model = handler.resolve_ref_schema(choice)["properties"]["model"].get("const")
            if model is None:
                continue
            names = {"type": "object", "properties": {"model": {"const": model}}, "required": ["model"]}
            rule = {"if": names, "then": choice}
            named = {**rule, "else": named} if named else rule
        return {**schema, **named}


class Tabs:
    """The names of the kinds that a field may have: an annotation for a union, whose tabs they are in a form.

    Args:
        titles: One for each kind that has none of its own, in their order.
    """

    def __init__(self, *titles: str) -> None:
        self._titles = titles

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        kinds: list[JsonSchemaValue] = []
        for kind in schema["anyOf"]:  # a union's own kinds stand beside the others
            kinds += kind.pop("anyOf", [kind])
            schema |= kind if "if" in kind else {}
        unnamed = [kind for kind in kinds if "$ref" not in kind]
        for kind, title in zip(unnamed, self._titles, strict=True):
            kind["title"] = title
        return {**schema, "anyOf": kinds}
