"""Rules between fields and the shapes of inputs: refused when broken, taken when kept."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from prefect_kie.models import parse_request
from prefect_kie.models.rules import CatalogRequest, Variant

from .data import MODELS, SENT_AS_PYTHON, Input, Model, Rule

RULES = [(model, rule) for model in MODELS for rule in model.rules]
VARIANTS = [(model, variant) for model in MODELS for variant in model.variants]


def refusal(model: Model, given: Input) -> str:
    """What is said of an input."""
    with pytest.raises(ValidationError) as caught:
        parse_request({"model": model.name, "input": given})
    return str(caught.value)


def sent(model: Model, given: Input) -> Input:
    """What Kie is told."""
    return parse_request({"model": model.name, "input": given}).input_fields()


def around(model: Model, rule: Rule) -> list[Input]:
    """Inputs with each value, and none, of the fields that a rule speaks of; the rest valid."""
    needed = {name: value for name, value in model.least().items() if name not in rule.names}
    values = [[None, *model.values(name)] for name in rule.names]
    combined = ({**needed, **dict(zip(rule.names, some, strict=True))} for some in itertools.product(*values))
    inputs = [{name: value for name, value in one.items() if value is not None} for one in combined]
    lax = model.without(rule)
    found: list[Input] = []
    for one in inputs:
        completed = [some.completed(one, frozenset(rule.names)) for some in (model, lax)]
        found += [some for some in completed if some is not None] or [one]
    asked = set(filter(model.needs, model.fields))
    return [one for one in found if asked <= set(one)]


@pytest.mark.parametrize(
    ("model", "rule"), RULES, ids=lambda one: one.name if isinstance(one, Model) else "-".join(one.words)
)
def test_a_rule_holds_in_both_directions(model: Model, rule: Rule) -> None:
    inputs = around(model, rule)
    kept = [one for one in inputs if model.valid(one)]
    broken = [one for one in inputs if not model.keeps(rule, one)]
    assert kept
    assert broken
    for one in kept:
        assert sent(model, one) == model.sent(one)
    for one in broken:
        said = refusal(model, one)
        assert all(SENT_AS_PYTHON.get(name, name) in said for name in rule.names), said


@pytest.mark.parametrize(
    ("model", "variant"), VARIANTS, ids=lambda one: one.name if isinstance(one, Model) else one["name"]
)
def test_a_shape_is_taken_and_refused_with_all_shapes_where_a_field_is_missing(
    model: Model, variant: dict[str, Any]
) -> None:
    alone = Model({**model.entry, "variants": [variant]}, model.own)
    inputs = [
        one for name in model.fields for value in model.values(name) if (one := alone.with_field(name, value))
    ]
    fitting = [one for one in inputs if model.fits(variant, one)]
    assert fitting
    for one in fitting:
        assert sent(model, one) == model.sent(one)
    for name in variant["required"]:
        without = {key: value for key, value in fitting[0].items() if key != name}
        if not any(model.fits(other, without) for other in model.variants):
            said = refusal(model, without)
            assert name in said
    if variant.get("allowed"):
        for name in set(model.fields) - set(variant["allowed"]):
            extra = {
                **fitting[0],
                name: next(one for one in reversed(model.values(name)) if one != model.default(name)),
            }
            if not model.valid(extra):
                assert name in refusal(model, extra)


# The rules themselves, on models of their own


class Chair(CatalogRequest):
    """A model with one of each rule."""

    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("no legs", "excludes", "cushion"),
        ("no back", "needs", "wall"),
        ("arms=2", "needs", "back"),
        ("painted", "excludes", "wood"),
    )
    always_sent: ClassVar[frozenset[str]] = frozenset({"wood"})

    model: Literal["chair"] = "chair"
    legs: int | None = None
    back: str | None = None
    wall: str | None = None
    cushion: str | None = None
    arms: int = 0
    wood: str = "oak"
    painted: str | None = None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cushion": "red", "back": "high"}, "cushion needs legs"),
        ({"legs": 4}, "without back, wall is needed"),
        ({"arms": 2, "wall": "left"}, "arms 2 needs back"),
        ({"painted": "blue", "wood": "ash", "back": "high"}, "painted and wood exclude each other"),
    ],
)
def test_a_broken_rule_is_told_in_a_sentence(given: Input, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Chair.model_validate(given)


@pytest.mark.parametrize(
    "given",
    [
        {"back": "high"},
        {"wall": "left"},
        {"legs": 4, "cushion": "red", "back": "high"},
        {"arms": 2, "back": "high"},
        {"wood": "ash", "back": "high"},
    ],
)
def test_a_kept_rule_is_silent(given: Input) -> None:
    assert Chair.model_validate(given).input_fields() == {"wood": "oak", **given}


def test_what_is_excluded_is_not_sent_at_its_default() -> None:
    for given in ({"painted": "blue", "back": "high"}, {"painted": "blue", "wood": "oak", "back": "high"}):
        assert Chair.model_validate(given).input_fields() == {"painted": "blue", "back": "high"}


class Table(CatalogRequest):
    """A model of two shapes."""

    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("round", ("radius",), ("radius",)),
        Variant(
            "square", ("sides",), ("sides", "edge"), limits={"sides": (4, 4)}, values={"edge": ("sharp",)}
        ),
    )

    model: Literal["table"] = "table"
    radius: int | None = None
    sides: list[int] | None = None
    edge: Literal["soft", "sharp"] = "soft"


def test_a_default_that_the_shape_does_not_take_is_not_sent() -> None:
    assert Table(radius=3, edge="soft").input_fields() == {"radius": 3}
    assert Table(sides=[1, 1, 1, 1], edge="sharp").input_fields() == {"sides": [1, 1, 1, 1], "edge": "sharp"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "round: needs radius; square: needs sides"),
        ({"radius": 3, "sides": [1, 1, 1, 1]}, "round: takes no sides; square: takes no radius"),
        ({"sides": [1]}, "takes 4 sides, not 1"),
    ],
)
def test_an_input_of_no_shape_is_told_about_each(given: Input, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Table.model_validate(given)
