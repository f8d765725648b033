"""What three models are sent for one prompt with two characters; nothing is uploaded or paid."""

import json
from typing import Any

from prefect_kie.api import JobRequest
from prefect_kie.characters import CastMember, cast
from prefect_kie.models import Kling30Video, PixverseV6ReferenceToVideo, Wan30Video

MIA = CastMember(
    handle="mia",
    name="Mia",
    description="a calm grey cat",
    stills=("https://files.example/mia-1.jpg", "https://files.example/mia-2.jpg"),
)
OTTO = CastMember(
    handle="otto", name="Otto", description="an old dog", stills=("https://files.example/otto-1.jpg",)
)
PROMPT = "@mia surfs at dawn, and @otto watches her"
REQUESTS: tuple[JobRequest, ...] = (
    Wan30Video(prompt=PROMPT),
    Kling30Video(prompt=PROMPT),
    PixverseV6ReferenceToVideo(prompt=PROMPT),
)


def sent(request: JobRequest) -> dict[str, Any]:
    """The prompt and the fields with pictures, as they go to Kie."""
    fields = cast(request, [MIA, OTTO]).input_fields()
    return {name: value for name, value in fields.items() if name == "prompt" or "https:" in str(value)}


if __name__ == "__main__":
    print(json.dumps({request.model_name: sent(request) for request in REQUESTS}, indent=2))
