"""Requests of the family imagen.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    IsNumber,
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class Imagen4(CatalogRequest, title="Google - imagen4"):
    """A picture from a prompt (google/imagen4)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["google/imagen4"] = "google/imagen4"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    aspect_ratio: Literal["1:1", "16:9", "9:16", "3:4", "4:3", "auto"] = "1:1"
    """Width to height of the result."""
    seed: Annotated[str, Field(max_length=500)] | None = None
    """Repeats a result: the same number, written as a string, gives a similar one."""


class Imagen4Fast(CatalogRequest, title="Google - imagen4-fast"):
    """A picture from a prompt, faster and cheaper (google/imagen4-fast)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["google/imagen4-fast"] = "google/imagen4-fast"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    aspect_ratio: Literal["1:1", "16:9", "9:16", "3:4", "4:3", "auto"] = "16:9"
    """Width to height of the result."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class Imagen4Ultra(CatalogRequest, title="Imagen 4 Ultra"):
    """A picture from a prompt, at the highest quality of Imagen 4 (google/imagen4-ultra)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["google/imagen4-ultra"] = "google/imagen4-ultra"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    aspect_ratio: Literal["1:1", "16:9", "9:16", "3:4", "4:3", "auto"] = "1:1"
    """Width to height of the result."""
    seed: Annotated[str, Field(max_length=500)] | None = None
    """Repeats a result: the same number, written as a string, gives a similar one."""
