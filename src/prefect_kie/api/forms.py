"""How requests show in a form that is made from their JSON schema, such as the Prefect UI's.

What is refused and what is sent does not depend on it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


def described(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Each field says what it means and is easy to fill in.

    For a model's `json_schema_extra`. What it says is the docstring below the field. pydantic's own
    `use_attribute_docstrings` would read the source of each class at import, which takes milliseconds each.

    Args:
        schema: The model's JSON schema, changed in place.
        model: The model.
    """
    for cls in model.__mro__:
        if issubclass(cls, BaseModel):
            for name, text in _docstrings(cls.__module__).get(cls.__qualname__, {}).items():
                if name in schema.get("properties", {}):
                    schema["properties"][name].setdefault("description", text)
    for name, field in schema.get("properties", {}).items():
        if field.get("title") == name.replace("_", " ").title():  # pydantic's own; others are ours
            field["title"] = name.replace("_", " ").capitalize()
    _plain_optionals(schema)


def _plain_optionals(schema: dict[str, Any]) -> None:
    """A field that may be left out is one field, not a choice between tabs "text" and "None".

    Not for yes or no: a form would send the no that nobody chose. Not for a drop-down: the null that forms
    send for what was left out is none of its values.
    """
    for field in schema.get("properties", {}).values():
        choices = field.get("anyOf", [])
        if len(choices) != 2 or choices[1] != {"type": "null"}:
            continue
        if choices[0].get("type") in (None, "boolean") or "enum" in choices[0]:
            continue
        del field["anyOf"]
        field.pop("default", None)  # null, which the plain type would refuse
        field.update({name: value for name, value in choices[0].items() if name not in field})


@cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """The docstrings below the fields of a module's classes, by class and field; none without its source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    return {cls.name: _texts_below(cls) for cls in tree.body if isinstance(cls, ast.ClassDef)}


def _texts_below(cls: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(cls.body, cls.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                found[name] = inspect.cleandoc(words)
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
            rule = {"if": {"properties": {"model": {"const": model}}, "required": ["model"]}, "then": choice}
            named = {**rule, "else": named} if named else rule
        return {**schema, **named}
