"""What requests of the catalogue's models have in common: rules between their fields, told in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer, model_validator

from prefect_kie.api import JobRequest
from prefect_kie.api.requests import SENT_AS, as_sent, whole
from prefect_kie.models.characters import HANDLE, handles_in


class Part(BaseModel):
    """An object inside of a request."""

    model_config = JobRequest.model_config

    always_sent: ClassVar[frozenset[str]] = frozenset()  # at their default, too

    @model_serializer(mode="wrap")
    def _as_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said = self.model_fields_set | self.always_sent
        return {name: value for name, value in handler(self).items() if name in said}


class Variant(NamedTuple):
    """One of the shapes that a model's input may have."""

    name: str  # what distinguishes it, for people
    required: tuple[str, ...]  # the fields that it needs
    allowed: tuple[str, ...] | None = None  # all the fields that it takes; None: all of the model's
    limits: Mapping[str, tuple[int, int]] = {}  # of items
    values: Mapping[str, tuple[Any, ...]] = {}

    def problem(self, request: "CatalogRequest") -> str | None:
        """Why a request is not of this shape; None where it is."""
        given = {name for name in type(request).model_fields if name != "model" and request.gives(name)}
        if missing := [name for name in self.required if not request.has(name)]:
            return f"needs {' and '.join(missing)}"
        if self.allowed is not None and (extra := sorted(given - set(self.allowed))):
            return f"takes no {' and no '.join(extra)}"
        for name, (least, most) in self.limits.items():
            if request.gives(name) and not least <= (count := len(getattr(request, name))) <= most:
                return f"takes {most if least == most else f'{least} to {most}'} {name}, not {count}"
        for name, allowed in self.values.items():
            if request.gives(name) and getattr(request, name) not in allowed:
                return f"takes {name} {' or '.join(map(str, allowed))}"
        return None


class CatalogRequest(JobRequest):
    """Base of the requests that are generated from the catalogue.

    A field left at its default is not sent, so that Kie's own default counts, unless Kie wants to be told.
    """

    always_sent: ClassVar[frozenset[str]] = frozenset()  # at their default, too
    # Rules between fields: `("a", "excludes", "b")`, `("a=v", "needs", "b")`, `("any-of", "a", "b")`, and of the
    # sum of durations `("a", "within", "b")`.
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = ()
    variants: ClassVar[tuple[Variant, ...]] = ()  # the shapes of the input, where there are several
    # The field that a character's pictures go into: a prompt that names one fills it before it is sent.
    cast_into: ClassVar[str | None] = None

    def has(self, name: str) -> bool:
        """Whether a field says anything, or will, or has a default that Kie knows as well."""
        awaited = name == self.cast_into and self.gives(HANDLE)
        return awaited or self.gives(name) or type(self).model_fields[name].get_default() not in (None, [])

    def gives(self, name: str) -> bool:
        """Whether a field says anything: it is neither empty nor left at its default."""
        if name == HANDLE:
            return bool(handles_in(getattr(self, "prompt", None)))
        value = getattr(self, name)
        if value is None or value == [] or value == "":
            return False
        declared = type(self).model_fields[name]
        return declared.is_required() or value != declared.default

    @model_serializer(mode="wrap")
    def _as_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What was left out stays so, on its way through a flow run's parameters, too.
        said = self.model_fields_set | {"model"}
        return {name: value for name, value in handler(self).items() if name in said}

    def effective_fields(self) -> dict[str, Any]:
        """The `input` object with all documented defaults, whether or not they are sent."""
        declared = type(self).model_fields.items()
        defaults = {name: field.default for name, field in declared if not field.is_required()}
        fields = {name: value for name, value in defaults.items() if name != "model" and value is not None}
        return as_sent(fields) | super().input_fields()

    def input_fields(self) -> dict[str, Any]:
        """The `input` object of the createTask body; what another field excludes is not sent by default."""
        given = super().input_fields()
        told = {name: getattr(self, name) for name in self.always_sent}
        fields = as_sent({name: value for name, value in told.items() if value is not None}) | given
        excluded = {SENT_AS.get(name, name) for name in self._excluded()}
        return {name: value for name, value in fields.items() if name not in excluded}

    def _excluded(self) -> Iterator[str]:
        """The fields that are not sent at their default, because of another field or the input's shape."""
        declared = type(self).model_fields
        for rule in self.constraints:
            if len(rule) == 3 and rule[1] == "excludes":
                condition, _, other = rule
                for held, name in ((condition, other), (other, condition)):
                    if name in declared and self._holds(held) and not self.gives(name):
                        yield name
        shape = next((variant for variant in self.variants if variant.problem(self) is None), None)
        if shape and shape.allowed is not None:
            yield from set(declared) - set(shape.allowed) - {"model"}

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        for rule in self.constraints:
            if rule[0] == "any-of":
                if not any(self.gives(one) or (one == self.cast_into and self.has(one)) for one in rule[1:]):
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
        return str(whole(getattr(self, name))).lower() == wanted.lower()

    def _broken(self, condition: str, relation: str, other: str) -> str | None:
        """The sentence that says how a rule is broken, where it is."""
        when, then = condition.replace("=", " "), other.replace("=", " ")
        absent = when[3:] if when.startswith("no ") else ""
        if relation == "within":
            total = round(sum(getattr(part, "duration", 0) for part in getattr(self, condition)), 3)
            limit = getattr(self, other)
            said = f"the {when} are {total:g} s long together; {then} allows {limit} s"
            return said if total > float(limit) else None
        if relation == "needs" and not (self._holds(other) if "=" in other else self.has(other)):
            return f"without {absent}, {then} is needed" if absent else f"{when} needs {then}"
        if relation.startswith("excludes") and self._holds(other):
            return f"{then} needs {absent}" if absent else f"{when} and {then} exclude each other"
        return None
