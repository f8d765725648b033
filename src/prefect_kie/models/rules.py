"""What requests of the catalogue's models have in common: rules between their fields, told in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer, model_validator

from prefect_kie.api import JobRequest
from prefect_kie.api.requests import as_sent


class Part(BaseModel):
    """An object inside of a request."""

    model_config = JobRequest.model_config


@dataclass(frozen=True)
class Variant:
    """One of the shapes that a model's input may have.

    Attributes:
        name: What distinguishes it, for people.
        required: The fields that it needs.
        allowed: All the fields that it takes; None: all of the model's.
        limits: How many items a field has in it, at least and at most.
        values: The only values of a field in it.
    """

    name: str
    required: tuple[str, ...]
    allowed: tuple[str, ...] | None = None
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict[str, tuple[Any, ...]])

    def problem(self, request: CatalogRequest) -> str | None:
        """Why a request is not of this shape; None where it is."""
        given = {name for name in type(request).model_fields if name != "model" and request.gives(name)}
        if missing := [name for name in self.required if not request.gives(name)]:
            return f"needs {' and '.join(missing)}"
        if self.allowed is not None and (extra := sorted(given - set(self.allowed))):
            return f"takes no {' and no '.join(extra)}"
        for name, (least, most) in self.limits.items():
            if request.gives(name) and not least <= (count := len(getattr(request, name))) <= most:
                return f"takes {least} to {most} {name}, not {count}"
        for name, allowed in self.values.items():
            if request.gives(name) and getattr(request, name) not in allowed:
                return f"takes {name} {' or '.join(map(str, allowed))}"
        return None


class CatalogRequest(JobRequest):
    """Base of the requests that are generated from the catalogue.

    A field that is left at its default is not sent, so that Kie's own default counts, unless Kie wants to be
    told it.

    Class attributes:
        always_sent: The fields that are sent at their default, too.
        constraints: Rules between fields: `("a", "excludes", "b")`, `("a=v", "needs", "b")`,
            `("any-of", "a", "b")`.
        variants: The shapes of the input, where there are several.
    """

    always_sent: ClassVar[frozenset[str]] = frozenset()
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = ()
    variants: ClassVar[tuple[Variant, ...]] = ()

    def gives(self, name: str) -> bool:
        """Whether a field says anything: it is neither empty nor left at its default."""
        value = getattr(self, name)
        if value is None or value == [] or value == "":
            return False
        declared = type(self).model_fields[name]
        return declared.is_required() or value != declared.default

    @model_serializer(mode="wrap")
    def _as_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What was left out stays so, on its way through a flow run's parameters, too.
        return {
            name: value
            for name, value in handler(self).items()
            if name == "model" or name in self.model_fields_set
        }

    def effective_fields(self) -> dict[str, Any]:
        """The `input` object with all documented defaults, whether or not they are sent."""
        declared = type(self).model_fields.items()
        defaults = {name: field.default for name, field in declared if not field.is_required()}
        fields = {name: value for name, value in defaults.items() if name != "model" and value is not None}
        return as_sent(fields) | super().effective_fields()

    def input_fields(self) -> dict[str, Any]:
        """The `input` object of the createTask body; what another field excludes is not sent by default."""
        given = super().input_fields()
        told = {name: getattr(self, name) for name in self.always_sent}
        fields = as_sent({name: value for name, value in told.items() if value is not None}) | given
        fields = {
            name: fields[name] for name in as_sent(dict.fromkeys(type(self).model_fields)) if name in fields
        }
        for condition, relation, other in (rule for rule in self.constraints if len(rule) == 3):
            for held, name in ((condition, other), (other, condition)):
                plain = relation == "excludes" and name in type(self).model_fields
                if plain and self._holds(held) and not self.gives(name):
                    fields.pop(name, None)
        return fields

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        for rule in self.constraints:
            if rule[0] == "any-of":
                if not any(map(self.gives, rule[1:])):
                    raise ValueError(f"needs {' or '.join(rule[1:])}")
            elif self._holds(rule[0]) and (said := self._broken(*rule)):
                raise ValueError(said)
        if self.variants:
            problems = {variant.name: variant.problem(self) for variant in self.variants}
            if None not in problems.values():
                shapes = "; ".join(f"{name}: {said}" for name, said in problems.items())
                raise ValueError(f"its input is of none of the model's shapes ({shapes})")
        return self

    def _holds(self, condition: str) -> bool:
        """Whether a rule's words are true of this request: `a`, `a=v`, `no a`."""
        if condition.startswith("no "):
            return not self.gives(condition.removeprefix("no "))
        name, equals, wanted = condition.partition("=")
        if not equals:
            return self.gives(name)
        return str(getattr(self, name)).lower() == wanted.lower()

    def _broken(self, condition: str, relation: str, other: str) -> str | None:
        """The sentence that says how a rule is broken, where it is."""
        when = condition.replace("=", " ")
        if relation == "needs" and not self._is_told(other):
            return f"{when} needs {other.replace('=', ' ')}"
        if relation.startswith("excludes") and self._holds(other):
            return f"{when} and {other.replace('=', ' ')} exclude each other"
        return None

    def _is_told(self, other: str) -> bool:
        """Whether what a rule needs is there; a default does, too, where Kie knows it as well."""
        if "=" in other:
            return self._holds(other)
        return self.gives(other) or type(self).model_fields[other].default not in (None, [])
