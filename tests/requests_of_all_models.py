"""One valid request of every model, for tests that go through all of them."""

from __future__ import annotations

from prefect_kie.api import JobRequest
from prefect_kie.models import (
    MarketModel,
    Shot,
    Sora2Characters,
    Sora2ImageToVideo,
    Sora2ImageToVideoStable,
    Sora2ProImageToVideo,
    Sora2ProStoryboard,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
    SoraWatermarkRemover,
)

PICTURE = ["https://files.example/boat.png"]

REQUESTS: list[JobRequest] = [
    Sora2TextToVideo(prompt="a cat", remove_watermark=True),
    Sora2ImageToVideo(prompt="a boat", image_urls=PICTURE),
    Sora2ProTextToVideo(prompt="a dog", n_frames="15"),
    Sora2ProImageToVideo(prompt="a fox", image_urls=PICTURE, aspect_ratio="portrait"),
    Sora2TextToVideoStable(prompt="an owl"),
    Sora2ImageToVideoStable(prompt="a hen", image_urls=PICTURE),
    Sora2ProStoryboard(shots=[Shot(Scene="dawn", duration=7.5), Shot(Scene="dusk", duration=7.5)]),
    SoraWatermarkRemover(video_url="https://sora.example/p/s_1"),
    MarketModel(model="acme/any-video", input={"prompt": "a yak", "duration": "5"}),
]
"""Those whose result is a file."""

CHARACTER = Sora2Characters(
    character_file_url=["https://files.example/clip.mp4"], character_prompt="cheerful"
)
"""The one that makes a character from a file; Sora2CharactersPro needs an earlier job."""
