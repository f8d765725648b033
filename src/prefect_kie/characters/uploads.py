"""A request with the characters that its prompt names, loaded from the Prefect server and uploaded to Kie."""

import asyncio
from pathlib import PurePosixPath

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.blocks import KieCharacter, KieCredentials, load_character
from prefect_kie.characters.cast import CastMember, cast, wanted_handles
from prefect_kie.media import assets
from prefect_kie.media.uploading import is_url, upload
from prefect_kie.models.characters import KeepsCharacters, characters_of_models
from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.storage.base import temporary_folder
from prefect_kie.storage.destination import load_destination


async def with_characters(request: JobRequest, kie: KieCredentials, scope: str) -> JobRequest:
    """The request as it is sent: each `@handle` of its prompt is replaced by what the model needs.

    The characters are the server's `KieCharacter` blocks. Their files are uploaded, once a day for each scope
    and content, which is free. A request without any is returned as it is. Raises InvalidRequest when there
    is no such character, or the model cannot do it, and another KieError when a file cannot be uploaded;
    nothing was submitted.
    """
    handles = wanted_handles(request)
    keeps = characters_of_models().get(request.model_name)
    if keeps is None or not handles:
        return cast(request, ())
    found = await asyncio.gather(*map(load_character, handles))
    blocks = [block for block in found if block is not None]
    if len(blocks) < len(handles):
        cast(request, [*map(member_of, blocks)])  # says which one there is not, before any upload
    members = [await _member(block, keeps, kie, scope) for block in blocks]
    made = cast(request, members)
    if members:
        run_logger().info("The prompt with its characters: %s", made.input_fields().get("prompt"))
    return made


def member_of(block: KieCharacter) -> CastMember:
    """A character as a request names it, without its files."""
    return CastMember(
        handle=block.handle,
        name=block.name,
        description=block.description,
        voice_seconds=block.voice_seconds,
        native=block.native,
    )


async def _member(block: KieCharacter, keeps: KeepsCharacters, kie: KieCredentials, scope: str) -> CastMember:
    """A character with the addresses of what this model takes of it."""
    if keeps.way == "native" or (keeps.native_field and keeps.native in block.native):
        return member_of(block)
    stills = block.stills[: keeps.stills[1]]
    clip = block.clip if keeps.way == "videos" else None
    least, most = keeps.voice_seconds
    voice = block.voice if most and least <= block.voice_seconds <= most else None
    files = [*stills, *([clip] if clip else []), *([voice] if voice else [])]
    uploaded = await asyncio.gather(*(_uploaded(one, block, kie, scope) for one in files))
    addresses = dict(zip(files, uploaded, strict=True))
    assets.remember(assets.character_key(block), *uploaded)
    return member_of(block).model_copy(
        update={
            "stills": tuple(addresses[one] for one in stills),
            "clip": addresses.get(clip or ""),
            "voice": addresses.get(voice or ""),
        }
    )


async def _uploaded(file: str, block: KieCharacter, kie: KieCredentials, scope: str) -> str:
    """Where a character's file is at Kie; what lies on the web stays there."""
    if is_url(file):
        return file
    try:
        if block.storage is None:
            return (await upload(file, kie, scope)).url
        place = await load_destination(None, block.storage)
        if (content := await place.read(file)) is None:
            raise ValueError(f"there is no file {place.address(file)!r}")
        with temporary_folder() as folder:
            copy = folder / PurePosixPath(file).name
            copy.write_bytes(content)
            return (await upload(copy, kie, scope)).url
    except (ValueError, OSError) as error:
        raise InvalidRequest(
            f"a file of the character @{block.handle} cannot be read: {shown_error(error)}; nothing was "
            "submitted",
            next_step=f"Correct the block kie-character/{block.block_name}, then run again.",
        ) from error
