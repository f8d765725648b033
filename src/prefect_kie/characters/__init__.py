"""The cast of a prompt: characters, and how each model keeps them."""

from prefect_kie.characters.cast import CastMember, cast, wanted_handles

__all__ = ["CastMember", "cast", "wanted_handles"]
