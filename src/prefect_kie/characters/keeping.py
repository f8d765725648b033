"""Keeping a character: stills, a clip, a voice, the block that names them; and uploading it for a request."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio.to_thread
from prefect.filesystems import WritableFileSystem

from prefect_kie._compat import block_name
from prefect_kie.api import InvalidRequest, JobRequest, KieError
from prefect_kie.api.hosts import is_loopback
from prefect_kie.blocks import KieCharacter, KieCredentials, load_character
from prefect_kie.characters.cast import CastMember, cast, wanted_handles
from prefect_kie.errors import DownloadFailed, shown_error
from prefect_kie.media import assets, slices
from prefect_kie.media.addresses import FetchError
from prefect_kie.media.download import fetch
from prefect_kie.media.footage import look
from prefect_kie.media.uploading import is_url, upload
from prefect_kie.models import Slice
from prefect_kie.models.characters import KeepsCharacters, characters_of_models
from prefect_kie.runtime.logs import run_logger
from prefect_kie.storage.base import temporary_folder
from prefect_kie.storage.run_storage import load_destination


async def with_characters(request: JobRequest, kie: KieCredentials, scope: str) -> JobRequest:
    """The request as it is sent: each `@handle` of its prompt is replaced by what the model needs.

    The characters are the server's `KieCharacter` blocks; their files are uploaded, once a day for each scope
    and content. Raises InvalidRequest when there is no such character, or the model cannot do it, and another
    KieError when a file cannot be uploaded; nothing was submitted.
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
    about = {"handle", "name", "description", "voice_seconds", "native"}
    return CastMember(**block.model_dump(include=about))


async def _member(block: KieCharacter, keeps: KeepsCharacters, kie: KieCredentials, scope: str) -> CastMember:
    if keeps.way == "native" or (keeps.native_field and keeps.native in block.native):
        return member_of(block)
    stills = block.stills[: keeps.stills[1]]
    clip = block.clip if keeps.way == "videos" else None
    least, most = keeps.voice_seconds
    voice = block.voice if most and least <= block.voice_seconds <= most else None
    files = [one for one in (*stills, clip, voice) if one]
    uploaded = await asyncio.gather(*(_uploaded(one, block, kie, scope) for one in files))
    addresses = dict(zip(files, uploaded, strict=True))
    assets.remember(assets.character_key(block), *uploaded)
    others = {"clip": addresses.get(clip or ""), "voice": addresses.get(voice or "")}
    return member_of(block).model_copy(update={"stills": tuple(map(addresses.get, stills)), **others})


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
            next_step=f"Correct the block kie-character/{block.block_name}, or make the character again with "
            "replace=True, then run again.",
        ) from error


async def has_its_files(block: KieCharacter) -> bool:
    """Whether all files of a character can be read from here; of those on the web that is not asked."""
    files = [one for one in (*block.stills, block.clip, block.voice) if one and not is_url(one)]
    if block.storage is None:
        return all([await anyio.Path(one).is_file() for one in files])
    place = await load_destination(None, block.storage)
    return all([await place.read(one) is not None for one in files])


FOLDER = "characters"
VOICE_SECONDS = 5.0
"""What models want of a voice at least; the slice is widened to it as far as the video goes."""


@asynccontextmanager
async def fetched(address: str, kie: KieCredentials) -> AsyncGenerator[Path, None]:
    """A video at an address on the web, on this machine for a moment."""
    with temporary_folder() as folder:
        file = folder / "video"
        try:
            await fetch(address, file, local_allowed=is_loopback(urlsplit(kie.base_url).hostname or ""))
        except FetchError as error:
            raise DownloadFailed(
                f"the video {address} cannot be fetched: {error}",
                billed="no",
                next_step="Give the address of a video, or its file. Then run again; nothing was submitted.",
            ) from error
        yield file


async def keep_slice(
    who: Mapping[str, str],
    video: Path,
    part: Slice,
    directory: Path | str | None,
    storage: WritableFileSystem | str | None,
    *,
    replace: bool,
) -> KieCharacter:
    """The character with the files of a slice, saved under its block's name, in a folder `characters`.

    `who` is what the block says of it apart from its files: handle, name, description, origin. Raises
    InvalidRequest when the slice cannot be used, the handle was taken meanwhile, or the storage has no name.
    """
    with temporary_folder() as folder:
        try:
            files = await anyio.to_thread.run_sync(_files_of, video, part, folder)
        except (ValueError, OSError) as error:
            raise InvalidRequest(
                f"no character can be made of {video.name}: {error}",
                next_step="Choose another slice or video, and run again; nothing was submitted.",
            ) from error
        except ModuleNotFoundError as error:
            raise InvalidRequest(
                f"{error.name}, which makes pictures of a video, is not installed where this runs; nothing "
                "was submitted",
                next_step="Run `pip install 'prefect-kie[pictures]'` there, and run again.",
            ) from error
        place, block = await load_destination(directory, storage), storage_name(storage)
        whose = f"{who['origin']} {part.timestamps}"
        stem = f"{FOLDER}/{who['handle']}/{hashlib.sha256(whose.encode()).hexdigest()[:8]}"

        async def put(file: Path) -> str:
            path = f"{stem}-{file.name}"
            address = await place.put(file, path)
            return address if block is None else path

        made = {
            "stills": [await put(file) for file in files.stills],
            "clip": await put(files.clip) if files.clip else None,
            "voice": await put(files.voice) if files.voice else None,
        }
    about = {"voice_seconds": files.voice_seconds, "storage": block, "start": part.start, "end": part.end}
    return await _named(KieCharacter.model_validate({**who, **made, **about}), replace=replace)


async def keep_pictures(who: Mapping[str, str], pictures: Sequence[str], *, replace: bool) -> KieCharacter:
    """The character with pictures that are there already: files of this machine, or web addresses."""
    for one in pictures:
        if not is_url(one) and not await anyio.Path(one).is_file():
            raise InvalidRequest(
                f"there is no picture {one!r}",
                next_step="Give files of this machine, or web addresses. Nothing was submitted.",
            )
    stills = [one if is_url(one) else str(await anyio.Path(one).resolve()) for one in pictures]
    return await _named(KieCharacter.model_validate({**who, "stills": stills}), replace=replace)


class _Files(NamedTuple):
    stills: list[Path]
    clip: Path | None = None
    voice: Path | None = None
    voice_seconds: float = 0.0


def _files_of(video: Path, part: Slice, folder: Path) -> _Files:
    stills: list[Path] = []
    for number, content in enumerate(slices.stills(video, part.start, part.end), start=1):
        stills.append(folder / f"still-{number}.jpg")
        stills[-1].write_bytes(content)
    try:
        clip = slices.clip(video, part.start, part.end, folder / "clip.mp4")
    except ValueError as error:  # a video that is too short for one: its pictures do
        run_logger().warning("The character has no clip: %s", error)
        return _Files(stills)
    length = look(video).seconds
    begin, end = slices.widened(clip.start, clip.end, length, min(VOICE_SECONDS, length))
    voice = slices.voice(video, begin, end, folder / "voice.wav")
    return _Files(stills, clip.path, voice, end - begin if voice else 0.0)


def storage_name(storage: WritableFileSystem | str | None) -> str | None:
    """By which `type/name` a character finds its storage again. Raises InvalidRequest when it has none."""
    if storage is None or isinstance(storage, str):
        return storage
    if (name := block_name(storage)) is None:
        raise InvalidRequest(
            "a character's files would be in a storage block that has no name to be found by",
            next_step="Save the block, give it as type/name, and run again; nothing was submitted.",
        )
    return f"{storage.get_block_type_slug()}/{name}"


async def _named(character: KieCharacter, *, replace: bool) -> KieCharacter:
    """Save the block under its handle's name; of two runs that make one at the same time, one does."""
    try:
        await character.asave(character.block_name, overwrite=replace)
    except KieError:
        raise
    except Exception as error:
        raise InvalidRequest(
            f"the character @{character.handle} could not be saved on the Prefect server "
            f"({shown_error(error)})",
            next_step="Run it again; nothing was submitted.",
        ) from None
    return character
