"""How requests show in a form that is made from their JSON schema, such as the Prefect UI's.

What is refused and what is sent does not depend on it.
"""

from __future__ import annotations

from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


def plain_optionals(schema: dict[str, Any]) -> None:
    """A field that may be left out is one field, not a choice between tabs "text" and "None".

    For a model's `json_schema_extra`. Not for yes or no: a form would send the no that nobody chose. Not
    for a drop-down: the null that forms send for what was left out is none of its values.

    Args:
        schema: The model's JSON schema, changed in place.
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
