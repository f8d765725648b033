"""What a model takes, by Kie's own schema: read out of its OpenAPI document, and what is asked checked by it.

The schema is made plain: no references, no stray blanks, and alternatives are apart.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import unquote

from pydantic import BaseModel

from prefect_kie.api.envelope import as_list, as_object, texts

CREATE_PATH = "/api/v1/jobs/createTask"

MAX_DEPTH = 30
MAX_NODES = 20_000  # bounds of what is read of a schema; Kie's have a few hundred nodes
MAX_SHAPES = 64
MAX_SHOWN = 12
BOUNDS = {"max": "at most", "min": "at least"}

_KEPT = {
    *("type", "enum", "const", "format", "pattern", "title", "description", "default"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "items"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("properties", "required", "additionalProperties", "oneOf", "anyOf", "allOf", "not"),
}
"""What is read of a schema; the rest tells nothing, or may lead out of the document."""
_NARROWING = {
    *("enum", "const", "pattern", "default", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"),
}


class ModelSchema(BaseModel, frozen=True):
    """What a model takes, by Kie's own schema of it.

    Attributes:
        model: Its name at Kie.
        input: The JSON Schema of the createTask body's `input`; None where Kie has none yet.
        path: The call that the model is made by.
    """

    model: str
    input: dict[str, Any] | None = None
    path: str = CREATE_PATH

    @property
    def fields(self) -> dict[str, Any]:
        """The schema of each field by its name, of all shapes of the input together."""
        found: dict[str, Any] = {}
        for shape in _shapes(self.input or {}):
            for name, field in shape["properties"].items():
                found[name] = _widened(found[name], field) if name in found else field
        return found

    @property
    def required(self) -> frozenset[str]:
        """The fields that every shape of the input needs."""
        shapes = [one["required"] for one in _shapes(self.input or {})]
        return frozenset(name for name in shapes[0] if all(name in one for one in shapes))

    def problems(self, given: dict[str, Any]) -> list[str]:
        """Why Kie would not make what is asked: a sentence for each field, with what is allowed.

        A field that the schema does not know is a problem, too: Kie would ignore it, make the default, and
        charge for it. A field that is null is one left out. Empty where all is well, or nothing is known.
        """
        if self.input is None:
            return []
        told = {name: value for name, value in given.items() if value is not None}
        problems = (list(dict.fromkeys(_problems(_closed(shape), told))) for shape in _shapes(self.input))
        return min(problems, key=len)


def parse_schema(model: str, data: Any) -> ModelSchema:
    """A model's schema out of its OpenAPI document; without an input where none is found."""
    document = as_object(as_object(data).get("openapi"))
    for path, methods in as_object(document.get("paths")).items():
        for method in map(as_object, as_object(methods).values()):
            content = as_object(_resolved(method.get("requestBody"), document).get("content"))
            for kind in map(as_object, content.values()):
                body = plain_schema(kind.get("schema"), document)
                if (found := _input_of(body)) is not None:
                    return ModelSchema(model=model, input=found, path=path)
    path = next(iter(as_object(document.get("paths"))), CREATE_PATH)
    return ModelSchema(model=model, path=path)


def _input_of(body: dict[str, Any]) -> dict[str, Any] | None:
    inputs: list[Any] = []
    for shape in _shapes(body):
        one = shape["properties"].get("input")
        if any(each["properties"] for each in _shapes(as_object(one))) and one not in inputs:
            inputs.append(one)
    found: dict[str, Any] | None = inputs[0] if len(inputs) == 1 else {"anyOf": inputs} if inputs else None
    with suppress(ValueError):
        for shape in _shapes(found or {}):
            _validator(_closed(shape))
        return found
    return None


def _resolved(node: Any, document: dict[str, Any]) -> dict[str, Any]:
    for _ in range(MAX_DEPTH):
        reference = as_object(node).get("$ref")
        if not isinstance(reference, str):
            break
        node = document if reference.startswith("#/") else None
        for part in unquote(reference.removeprefix("#/")).split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            names = {known.strip(): known for known in as_object(node)}
            node = as_object(node).get(name if name in as_object(node) else names.get(name.strip(), ""))
    return as_object(node)


def plain_schema(schema: Any, document: dict[str, Any]) -> dict[str, Any]:
    """A schema without references: what refers to itself, or is too deep or too large, takes anything."""
    left = MAX_NODES

    def plain(node: Any, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        nonlocal left
        left -= 1
        reference = as_object(node).get("$ref")
        if left < 0 or depth > MAX_DEPTH or reference in within:
            return {}
        if isinstance(reference, str):
            within = (*within, reference)
            beside = {name: value for name, value in as_object(node).items() if name != "$ref"}
            node = {**_resolved(node, document), **beside}
        found = {name: value for name, value in as_object(node).items() if name in _KEPT}
        for name in ("items", "not", "additionalProperties"):
            if isinstance(found.get(name), dict):
                found[name] = plain(found[name], depth + 1, within)
        if "properties" in found:
            # Kie's own documents have stray blanks in some names.
            fields = as_object(found["properties"]).items()
            found["properties"] = {name.strip(): plain(one, depth + 1, within) for name, one in fields}
        if "required" in found:  # some documents have a boolean at the field itself
            found["required"] = sorted({*texts(found["required"])})
        # An input that is of two of Kie's shapes is all right.
        found["anyOf"] = [*as_list(found.get("anyOf")), *as_list(found.pop("oneOf", None))]
        for name in ("anyOf", "allOf"):
            if choices := as_list(found.pop(name, None)):
                found[name] = [plain(one, depth + 1, within) for one in choices]
        if not _is_pattern(found.get("pattern")):
            del found["pattern"]
        return found

    return plain(schema, 0, ())


def _is_pattern(value: Any) -> bool:
    try:
        return value is None or bool(re.compile(value))
    except (re.error, TypeError):
        return False


def _shapes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The shapes that an object may have, each with `properties` and `required` of its own."""
    own = {name: value for name, value in schema.items() if name not in ("allOf", "anyOf")}
    shapes = [{**own, "properties": own.get("properties", {}), "required": own.get("required", [])}]
    for part in schema.get("allOf", []):
        shapes = [_merged(one, other) for one in shapes for other in _shapes(part)][:MAX_SHAPES]
    if choices := schema.get("anyOf"):
        further = [other for choice in choices for other in _shapes(choice)]
        shapes = [_merged(one, other) for one in shapes for other in further][:MAX_SHAPES]
    return shapes


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    fields = dict(one["properties"])
    for name, field in other["properties"].items():
        fields[name] = {**fields.get(name, {}), **field}
    return {**one, **other, "properties": fields, "required": sorted({*one["required"], *other["required"]})}


def _widened(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A field's schema that takes what either takes, as far as values and limits tell."""
    if one == other:
        return one
    both = one.keys() & other.keys()
    wide = {name: value for name, value in {**other, **one}.items() if name in both or name not in _NARROWING}
    for name in both & _NARROWING:
        if name == "enum":
            wide[name] = [*one[name], *(value for value in other[name] if value not in one[name])]
        elif name.startswith(("max", "min")):
            wide[name] = (max if name.startswith("max") else min)(one[name], other[name])
        elif one[name] != other[name]:
            del wide[name]
    return wide


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes no fields but those it names, however deep."""
    closed = dict(schema)
    if isinstance(items := schema.get("items"), dict):
        closed["items"] = _closed(cast("dict[str, Any]", items))
    if schema.get("properties"):
        closed["properties"] = {name: _closed(field) for name, field in schema["properties"].items()}
        if "anyOf" in schema or "allOf" in schema:
            shapes = [_closed(shape) for shape in _shapes(schema)]
            return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        closed["additionalProperties"] = False
        # Documents call fields required that Kie fills in; where it does not, it refuses them, unpaid.
        needed: list[str] = schema.get("required", [])
        closed["required"] = [name for name in needed if "default" not in schema["properties"].get(name, {})]
    else:
        for name in ("anyOf", "allOf"):
            if name in schema:
                closed[name] = [_closed(one) for one in schema[name]]
    return closed


def _problems(schema: dict[str, Any], given: dict[str, Any]) -> Iterator[str]:
    errors: list[Any] = list(_validator(schema).iter_errors(given))
    named = {tuple(error.absolute_path) for error in errors if error.validator in ("enum", "const")}
    for error in errors:
        # Of what has to be one of a few, its type is one word too many.
        if error.validator != "type" or tuple(error.absolute_path) not in named:
            yield _sentence(error)


def _validator(schema: dict[str, Any]) -> Any:
    # Imported where it is used: it takes longer than the rest of this package.
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]

    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, re.error, RecursionError) as error:
        raise ValueError(f"is no JSON Schema: {type(error).__name__}") from None
    return Draft202012Validator(schema)


def _sentence(error: Any) -> str:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    field, wanted, value = field.lstrip("."), error.validator_value, error.instance
    shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:79]}…"
    subject = field or "the input"
    match error.validator:
        case "required":
            prefix = f"{field}." if field else ""
            missing = [prefix + name for name in wanted if name not in value]
            return f"{' and '.join(missing)} {_are(missing)} required"
        case "additionalProperties":
            known = error.schema["properties"]
            unknown = [name for name in value if name not in known]
            unknown_in = f"{_are(unknown)} unknown in {field}" if field else f"{_are(unknown)} unknown"
            return f"{', '.join(map(repr, unknown))} {unknown_in}; it takes {', '.join(known)}"
        case "enum":
            return f"{subject} must be {listed(wanted, MAX_SHOWN)}, not {shown}"
        case "const":
            return f"{subject} must be {wanted!r}, not {shown}"
        case "type":
            kinds = as_list(wanted) or [wanted]
            return f"{subject} must be of type {' or '.join(map(str, kinds))}, not {shown}"
        case "maxLength" | "minLength" | "maxItems" | "minItems" as limit:
            bound, unit = BOUNDS[limit[:3]], "items" if limit.endswith("Items") else "characters"
            return f"{subject} must have {bound} {wanted} {unit}, not {len(value)}"
        case "maximum" | "minimum" as limit:
            return f"{subject} must be {BOUNDS[limit[:3]]} {wanted}, not {shown}"
        case "anyOf":
            reasons = dict.fromkeys(_sentence(one) for one in error.context)
            return f"{subject} has none of the shapes that it may have ({'; '.join(list(reasons)[:4])})"
        case _:
            return f"{subject}: {error.message[:300]}"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def listed(values: list[Any], most: int | None = None) -> str:
    """Values as words: `1, 2 or 3`, and from `most` on how many more there are."""
    shown = [repr(value) for value in values[:most]]
    if len(values) > len(shown):
        return f"one of {', '.join(shown)} or {len(values) - len(shown)} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
