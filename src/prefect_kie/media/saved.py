"""What is saved of a job and under which names: its files, its text and data, and the sidecar's content."""

import hashlib
import json
import re
import unicodedata
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from prefect_kie.api import CharacterResult, Job, JobResult, ResultFile
from prefect_kie.api.results import Role
from prefect_kie.storage.base import MAX_NAME_BYTES, Storage


class SavedFile(BaseModel, frozen=True):
    """One file of a result, as it was saved.

    Attributes:
        name: Its name in the directory or storage.
        path: Where it is: an absolute path, or the storage's address of it.
        url: Kie's address of it (dead after 14 days at the latest); None for a text or data.
        size: Bytes.
        sha256: Checksum, hex.
        seconds: How long it plays, where it is an MP4, or by Kie's word.
        role: What it is to the job, as in `ResultFile`; `text` or `data` where it is no file of Kie's.
        title: A track's title.
    """

    # Read back from a sidecar it must still be a name, and lead to no other directory.
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    path: str
    url: str | None
    size: int
    sha256: str
    seconds: float | None = None
    role: Role | Literal["text", "data"] = "result"
    title: str | None = None


class SavedResult(BaseModel, frozen=True):
    """What a job made, saved.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        request: The echo of what was asked: `{"model": ..., "input": {...}}`.
        credits: What Kie charged, credits.
        created_at: When Kie created the job.
        completed_at: When it ended.
        saved_at: When it was saved.
        files: The files; the first one is the main one: what was asked for, else the text, else the data.
    """

    version: Literal[1] = 1
    task_id: str
    model: str
    request: dict[str, Any]
    credits: float | None
    created_at: datetime | None
    completed_at: datetime | None
    saved_at: datetime
    files: tuple[SavedFile, ...]

    @property
    def path(self) -> str:
        """Where the main file is: an absolute path, or the storage's address of it."""
        return self.files[0].path

    @property
    def url(self) -> str:
        """Kie's own address of the main file, for another request; dead after 14 days at the latest.

        Raises:
            ValueError: when it is a text or data, which has none.
        """
        if (url := self.files[0].url) is None:
            raise ValueError(f"{self.files[0].name} is no file of Kie's, so it has no address there")
        return url

    @property
    def seconds(self) -> float | None:
        """How long the main file plays, where it is known."""
        return self.files[0].seconds

    @property
    def summary(self) -> str:
        """What it is, in a few words: `Saved 1 file, 12.0 MB, 35 credits`."""
        count, size = len(self.files), sum(file.size for file in self.files)
        shown = f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} KB"
        cost = f", {self.credits:g} credits" if self.credits is not None else ""
        return f"Saved {count} file{'' if count == 1 else 's'}, {shown}{cost}"


def files_of(job: Job) -> list[ResultFile]:
    """A finished job's files at Kie, the main one first; watermarked ones alone are what was asked for."""
    if job.result is None or isinstance(job.result, CharacterResult):
        return []
    files = job.result.files
    if not job.urls:
        asked = {"role": "result"}
        files = tuple(one.model_copy(update=asked) if one.role == "watermarked" else one for one in files)
    return sorted(files, key=lambda file: file.role != "result")


async def save_contents(job: Job, place: Storage, stem: str, taken: set[str]) -> list[SavedFile]:
    """Save what a job made besides files: a text, data, a character's ID and handle."""
    result = job.result
    text = result.text if isinstance(result, JobResult) else None
    data = result.data if isinstance(result, JobResult) else result and result.model_dump()
    contents: list[tuple[Literal["text", "data"], str, bytes]] = []
    if text is not None:
        contents.append(("text", f"{stem}.txt", text.encode()))
    if data is not None:
        contents.append(("data", f"{stem}_data.json", readable_json(data)))
    saved: list[SavedFile] = []
    for role, name, content in contents:
        if name in taken:
            name = name.replace(".", "_2.")
        await place.write(name, content)
        sha256, size = hashlib.sha256(content).hexdigest(), len(content)
        path = place.address(name)
        saved.append(SavedFile(name=name, path=path, url=None, size=size, sha256=sha256, role=role))
    return saved


def readable_json(value: Any) -> bytes:
    """JSON for people, too."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


ID_LENGTH = 40
STEM_LENGTH = MAX_NAME_BYTES - len("_watermarked_12_data.json")


def file_stem(job: Job) -> str:
    """A name for a job's files, always the same and valid everywhere: `a-yak_sora-2-text-to-video_1f3a…`."""
    task = job.task_id
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{ID_LENGTH}}}", task):
        # The ID loses something on the way to a name: a few hex digits keep two such IDs apart.
        checksum = hashlib.sha256(task.encode(errors="surrogatepass")).hexdigest()
        task = f"{_plain(task, ID_LENGTH - 9)}-{checksum[:8]}"
    end = f"{_plain(job.model, ID_LENGTH)}_{task}"
    return f"{_words(job.prompt, min(60, STEM_LENGTH - len(end) - 1))}_{end}"


def _words(text: str, most: int) -> str:
    # Accents go, and every other character outside a-z separates words: "Café—Zürich" is "cafe-zurich".
    apart = unicodedata.normalize("NFKD", text[:500])
    letters = "".join(char for char in apart if not unicodedata.combining(char)).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
    if len(slug) > most:
        head = slug[: most + 1]
        slug = head[: head.rfind("-")] if "-" in head[most // 2 :] else slug[:most]
    return slug or "video"


def _plain(text: str, length: int) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:length] or "unknown"


def artifact_key(kind: str, task_id: str) -> str:
    """The key of a job's artifact: `kie-progress-1f3a9c2b`; both UIs cut a longer one off.

    It has the last eight letters and digits of the ID, since some IDs all begin alike (`task_sora_…`).
    """
    return f"kie-{kind}-{re.sub(r'[^a-z0-9]', '', task_id.lower())[-8:] or 'unknown'}"
