"""The block that keeps a character: who it is, and its pictures, clip and voice."""

from typing import Annotated, Self

from prefect.blocks.core import Block
from pydantic import AfterValidator, Field, HttpUrl, model_validator

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks.callbacks import LOGOS, KnownFields
from prefect_kie.blocks.server import load_block
from prefect_kie.models.characters import HANDLE_PATTERN, is_reserved


def _is_free(handle: str) -> str:
    if is_reserved(handle):
        raise ValueError(f"{handle} is what some models call a picture or a video; take another handle")
    return handle


CharacterHandle = Annotated[str, Field(pattern=HANDLE_PATTERN), AfterValidator(_is_free)]
"""What prompts call a character, without @."""
Place = Annotated[str, Field(min_length=1, max_length=1000)]


class KieCharacter(KnownFields, Block):
    """A character for any model: write `@handle` in a prompt, and its pictures go along.

    Its files are yours and stay where they are; nothing of a character lasts at Kie. They are uploaded when a
    run uses them. The block is named after the handle, `_` as `-`.

    Example:
        Save a character and use it:
        ```python
        from prefect_kie.blocks import KieCharacter

        mia = KieCharacter(handle="mia", name="Mia", description="a calm cat", stills=["mia.jpg"])
        await mia.save(mia.block_name, overwrite=True)
        made = await generate_video(Wan30Video(prompt="@mia surfs at dawn"))
        ```
    """

    _block_type_name = "Kie Character"
    _block_type_slug = "kie-character"
    _logo_url = HttpUrl(f"{LOGOS}/custom-webhook.png")
    _documentation_url = HttpUrl("https://docs.kie.ai/")
    _description = "A character for Kie's models: pictures, a clip and a voice, used by @handle in prompts."

    handle: CharacterHandle
    """What prompts call it, without @. Name the block the same, with - for _."""
    name: str = Field(min_length=1, max_length=100)
    """What readers call it."""
    description: str = Field(default="", max_length=1000)
    """Who it is, in one line."""
    stills: list[Place] = Field(default=[], max_length=4, title="Pictures")
    """Up to four, the best one first: paths, names in the storage, or web addresses."""
    clip: Place | None = None
    """A video of 3 to 8 seconds, for models that take no pictures."""
    voice: Place | None = None
    """A sound file with its voice."""
    voice_seconds: float = Field(default=0.0, ge=0, title="Length of the voice")
    """In seconds; models want 5 to 10."""
    storage: str | None = None
    """The storage block that holds the files, as type/name. Empty: this machine's disk."""
    origin: str | None = None
    """Where it comes from: a task id or a file."""
    start: float | None = Field(default=None, ge=0)
    """Of its slice, seconds."""
    end: float | None = Field(default=None, ge=0)
    """Of its slice, seconds."""
    native: dict[str, str] = Field(default={}, title="Ids at Kie")
    """Where it has some: {"sora-2": "handle", "gemini": "character id"}."""

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if not (self.stills or self.clip or self.native):
            raise ValueError("a character needs a picture, a clip, or an id of its own at Kie")
        return self

    @property
    def block_name(self) -> str:
        """Under which name it is found by its handle."""
        return block_name_of(self.handle)


def block_name_of(handle: str) -> str:
    """The block's name for a handle: `old_otto` is `old-otto`, since blocks' names have no `_`."""
    return handle.replace("_", "-")


async def load_character(handle: str) -> KieCharacter | None:
    """The character that prompts call so, from the Prefect server; None where it has none.

    Raises:
        InvalidRequest: when the block of that name has another handle.
        ServiceUnavailable: when the Prefect server does not answer.
    """
    found = await load_block(KieCharacter, block_name_of(handle), f"the character @{handle}")
    if found is not None and found.handle != handle:
        raise InvalidRequest(
            f"the block {found.block_name} is the character @{found.handle}, not @{handle}",
            next_step=f"Write @{found.handle}, or save the block under its own name; nothing was submitted.",
        )
    return found
