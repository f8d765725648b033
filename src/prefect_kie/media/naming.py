"""Names of the files that people find: what it shows, which model made it, which job it was."""

import hashlib
import re
import unicodedata

from prefect_kie.api import Job
from prefect_kie.storage.local import MAX_NAME_BYTES

ID_LENGTH = 40
STEM_LENGTH = MAX_NAME_BYTES - len("_watermarked_12_data.json")


def file_stem(job: Job) -> str:
    """A name for a job's files, without suffix: `a-claymation-conductor_sora-2-text-to-video_1f3a…`; valid on
    every system, and the same for every save of one job.
    """
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
