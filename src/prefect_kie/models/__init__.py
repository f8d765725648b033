"""What can be asked of Kie: one typed request per known model, and `MarketModel` for any other.

Every request has `.model_name`, `.body()` (exactly the createTask body) and `.title`. Invalid input is
refused before anything is sent: the error says which field, what came, and what is allowed.
"""

from prefect_kie.models.fields import Slice
from prefect_kie.models.registry import MarketModel, VideoRequest, parse_request, request_class
from prefect_kie.models.sora2 import (
    Shot,
    Sora2Characters,
    Sora2CharactersPro,
    Sora2ImageToVideo,
    Sora2ImageToVideoStable,
    Sora2ProImageToVideo,
    Sora2ProStoryboard,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
    SoraWatermarkRemover,
)

__all__ = [
    "MarketModel",
    "Shot",
    "Slice",
    "Sora2Characters",
    "Sora2CharactersPro",
    "Sora2ImageToVideo",
    "Sora2ImageToVideoStable",
    "Sora2ProImageToVideo",
    "Sora2ProStoryboard",
    "Sora2ProTextToVideo",
    "Sora2TextToVideo",
    "Sora2TextToVideoStable",
    "SoraWatermarkRemover",
    "VideoRequest",
    "parse_request",
    "request_class",
]
