"""Each living model takes what the catalogue says it takes, sends exactly that, and refuses the rest."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from prefect_kie.api import JobRequest
from prefect_kie.models import AnyRequest, MarketModel, index, parse_request, request_class

from .data import ADDRESS, MODELS, SENT_AS_PYTHON, Field, Input, Model, full, is_address, least

Check = Callable[[Model], None]
MAKERS = sorted({known.module for known in index.MODELS.values()})
anything = TypeAdapter[Any](AnyRequest)


def each(check: Check) -> Callable[[str], None]:
    """A test for each maker, of all its models: for 2,000 of them pytest needs longer than they do."""

    def test(maker: str) -> None:
        for model in MODELS:
            if index.MODELS[model.name].module == maker:
                try:
                    check(model)
                except BaseException as error:
                    error.add_note(f"The model is {model.name}.")
                    raise

    return pytest.mark.parametrize("maker", MAKERS)(test)


def python(given: Input) -> Input:
    """An input by the names of the class."""
    return {SENT_AS_PYTHON.get(name, name): value for name, value in given.items()}


def made(model: Model, given: Input) -> JobRequest:
    """The request of an input, as createTask takes it."""
    return parse_request({"model": model.name, "input": given})


def inputs(model: Model) -> Iterator[Input]:
    """The smallest valid input, the largest, and for each field and each of its values one that has it."""
    yield model.least()
    yield model.full()
    for name, field in model.fields.items():
        for value in model.values(name):
            if (given := model.with_field(name, value)) is not None:
                yield given
                yield model.full(given)
        if field["type"] == "array" and "max_items" in field:
            most = [full(field["items"], name)] * field["max_items"]
            if (given := model.with_field(name, most)) is not None:
                yield given


def test_all_living_models_are_here() -> None:
    assert len(MODELS) == 179
    assert not [model.name for model in MODELS if request_class(model.name) is MarketModel]


@each
def test_every_field_can_be_given(model: Model) -> None:
    given = {name for one in inputs(model) for name in one}
    assert given == set(model.fields)


@each
def test_what_is_valid_is_taken_and_sent_exactly(model: Model) -> None:
    cls = request_class(model.name)
    for given in inputs(model):
        request = made(model, given)
        assert type(request) is cls
        assert request.body() == {"model": model.name, "input": model.sent(given)}
        assert cls(**python(given)) == request
        assert cls.model_validate({"model": model.name, **python(given)}) == request


@each
def test_a_request_survives_each_way_it_is_kept(model: Model) -> None:
    for given in (model.least(), model.full()):
        request = made(model, given)
        copies = (
            type(request).model_validate(request.model_dump()),
            type(request).model_validate_json(request.model_dump_json()),
            anything.validate_python(json.loads(json.dumps(request.model_dump(mode="json")))),
            anything.validate_json(anything.dump_json(request)),
            pickle.loads(pickle.dumps(request)),
            made(model, json.loads(json.dumps(request.input_fields()))),
        )
        assert [copy.body() for copy in copies] == [request.body()] * len(copies)
        assert copies[0] == copies[1] == copies[4] == request
        assert {copy.model_dump_json() for copy in copies[:5]} == {request.model_dump_json()}


@each
def test_what_is_left_out_is_not_sent_and_a_default_that_is_set_is(model: Model) -> None:
    assert set(made(model, model.least()).input_fields()) == set(model.sent(model.least()))
    for name in model.fields:
        if (default := model.default(name)) is None:
            continue
        given = {**model.least(), name: default}
        assert made(model, given).body()["input"] == model.sent(given)


@each
def test_a_form_may_send_all_defaults_and_nothing_for_the_rest(model: Model) -> None:
    empty = {
        name: "" if field["type"] == "string" and not field.get("enum") else None
        for name, field in model.fields.items()
        if model.default(name) is None
    }
    defaults = {name: model.default(name) for name in model.fields if model.default(name) is not None}
    given = {**empty, **defaults, **model.least()}
    assert made(model, given).input_fields() == model.sent({**defaults, **model.least()})


# What is refused


def wrong(field: Field, name: str) -> Iterator[tuple[Any, str]]:
    """Values just past what a field takes, and what the refusal says."""
    kind = field["type"]
    right = full(field, name)
    if kind == "boolean":
        yield "perhaps", "False" if field.get("enum") == [False] else "boolean"
    elif field.get("enum"):
        some = str(field["enum"][0])
        yield ("none of them" if isinstance(field["enum"][0], str) else 987_654), some
        yield [], ""
    elif kind in ("integer", "number"):
        if "min" in field:
            yield field["min"] - 1, str(field["min"])
        if "max" in field:
            yield field["max"] + 1, str(field["max"])
        if kind == "integer":
            yield right + 0.5, "integer"
        yield from (("many", "number" if kind == "number" else "integer"), (True, "must be a number"))
        yield float("nan"), "finite"
    elif kind == "string":
        yield 5, "string"
        if field.get("max_length"):
            yield right.ljust(field["max_length"] + 1, "x"), f"at most {field['max_length']} characters"
        if field.get("min_length", 0) > 1 and not is_address(field, name):
            yield "x" * (field["min_length"] - 1), f"at least {field['min_length']} characters"
        if is_address(field, name):
            yield from (
                (bad, "http or https") for bad in ("ftp://a.example/b", "a.png", "https://a b", "https://")
            )
        elif field.get("required"):
            yield from (("", "at least"), (" \n ", "must not be empty"))
    elif kind == "array":
        yield "words", "list"
        one = full(field["items"], name)
        if field.get("max_items"):
            yield [one] * (field["max_items"] + 1), f"at most {field['max_items']} item"
        if field.get("min_items", 0) > 1:
            yield [one] * (field["min_items"] - 1), f"at least {field['min_items']} item"
        yield from (([bad], said) for bad, said in wrong(field["items"], name))
    elif kind == "object":
        yield "words", ""
        for key, part in field.get("properties", {}).items():
            yield from (({**right, key: bad}, said) for bad, said in wrong(part, key))
            if part.get("required") and part.get("default") is None:
                yield {name: value for name, value in right.items() if name != key}, "Field required"
        if field.get("properties"):
            yield {**right, "surprise": 1}, "surprise"


@each
def test_each_limit_just_passed_is_refused_with_its_field(model: Model) -> None:
    for name, field in model.fields.items():
        for value, said in wrong(field, name):
            if value == [] and not model.needs(name):
                continue
            given = {**(model.with_field(name, full(field, name)) or model.least()), name: value}
            with pytest.raises(ValidationError) as caught:
                made(model, given)
            errors = [error for error in caught.value.errors() if error["loc"]]
            assert {error["loc"][0] for error in errors} == {SENT_AS_PYTHON.get(name, name)}, value
            assert said in str(caught.value), (name, value)


@each
def test_what_is_needed_is_asked_for(model: Model) -> None:
    for name in filter(model.needs, model.fields):
        given = {key: value for key, value in model.least().items() if key != name}
        asked = rf"{SENT_AS_PYTHON.get(name, name)}\n  Field required|without @handle, {name} is needed"
        with pytest.raises(ValidationError, match=asked):
            made(model, given)


@each
def test_an_unknown_field_is_refused_with_those_that_exist(model: Model) -> None:
    with pytest.raises(ValidationError, match="unknown field 'surprise'") as caught:
        made(model, {**model.least(), "surprise": 1})
    assert all(name in str(caught.value) for name in python(model.fields))


# How a number or an address may be written


@each
def test_a_number_may_be_a_text_or_have_a_point_and_a_text_a_number(model: Model) -> None:
    for name, field in model.fields.items():
        for value in model.values(name):
            given = model.with_field(name, value)
            if given is None or isinstance(value, bool):
                continue
            if field["type"] in ("integer", "number") and value == int(value):
                for written in (str(int(value)), float(value)):
                    sent = made(model, {**given, name: written}).input_fields()
                    assert (sent[name], type(sent[name])) == (value, int)
            if field.get("enum") and isinstance(value, str) and value.isdigit():
                assert made(model, {**given, name: int(value)}).input_fields()[name] == value


@each
def test_an_address_is_sent_as_given(model: Model) -> None:
    for name, field in model.fields.items():
        if field["type"] != "string" or not is_address(field, name):
            continue
        for address in (f"{ADDRESS}?a=b&c=%20#d", "asset://asset-20260101", "http://a.example:8080/Ü"):
            given = model.with_field(name, address)
            assert given is not None
            assert made(model, given).input_fields()[name] == address


def test_the_smallest_objects_are_taken() -> None:
    for model in MODELS:
        for name, field in model.fields.items():
            if field["type"] in ("array", "object") and (given := model.with_field(name, least(field, name))):
                assert made(model, given).input_fields()[name] == model.sent(given)[name]


def keywords(schema: object) -> Iterator[str]:
    """The keywords of a JSON Schema, however deep, without the names of properties."""
    if isinstance(schema, dict):
        for name, inner in schema.items():
            yield name
            yield from (
                one
                for part in (inner.values() if name in ("properties", "$defs") else [inner])
                for one in keywords(part)
            )
    elif isinstance(schema, list):
        for part in schema:
            yield from keywords(part)


@each
def test_a_form_knows_each_limit_as_json_schema_calls_it(model: Model) -> None:
    schema = request_class(model.name).model_json_schema()
    assert not set(keywords(schema)) & {"ge", "le", "gt", "lt", "min_length", "max_length"}
    for name, field in model.fields.items():
        form = json.dumps(schema["properties"][SENT_AS_PYTHON.get(name, name)])
        for word, limit in (("minimum", "min"), ("maximum", "max"), ("maxLength", "max_length")):
            if limit in field and "enum" not in field:
                assert f'"{word}": {field[limit]}' in form, (name, form)
