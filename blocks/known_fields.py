"""Blocks that take their own fields only.

Prefect's blocks keep whatever they are given, so that a mistyped address would silently be Kie's own, and a
mistyped cap none.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, model_validator

PREFECTS = "block_type_slug"
"""What Prefect adds to a block's fields, beside names that begin with an underscore."""


class KnownFields(BaseModel):
    """A block, or part of one, that refuses fields which it does not have."""

    @model_validator(mode="before")
    @classmethod
    def _has_all(cls, values: Any) -> Any:
        if isinstance(values, dict):
            given = cast("dict[str, Any]", values)
            names = [name for name in given if name != PREFECTS and not name.startswith("_")]
            if unknown := [name for name in names if name not in cls.model_fields]:
                # Without the values: one may be the key.
                raise ValueError(
                    f"{cls.__name__} has no {' and no '.join(unknown)}; it has {', '.join(cls.model_fields)}"
                )
        return cast("Any", values)
