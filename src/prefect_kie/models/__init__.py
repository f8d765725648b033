"""What can be asked of Kie: one typed request per known model, and `MarketModel` for any other.

Every request has `.model_name`, `.body()` (exactly the createTask body) and `.title`. Invalid input is
refused before anything is sent: the error says which field, what came, and what is allowed. The class of a
model is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from prefect_kie.models.fields import Slice
from prefect_kie.models.index import MODELS
from prefect_kie.models.registry import (
    AnyRequest,
    AudioRequest,
    ImageRequest,
    MarketModel,
    VideoRequest,
    parse_request,
    request_class,
)

if TYPE_CHECKING:
    from prefect_kie.models import _classes
    from prefect_kie.models._classes import *  # noqa: F403 # pyright: ignore[reportWildcardImportFromLibrary]
    from prefect_kie.models.sora import Shot

_MODULE_OF = {known.class_name: known.module for known in MODELS.values()} | {"Shot": "sora"}

__all__ = [
    "AnyRequest",
    "AudioRequest",
    "ImageRequest",
    "MarketModel",
    "Shot",
    "Slice",
    "VideoRequest",
    "parse_request",
    "request_class",
]
if TYPE_CHECKING:
    __all__ += _classes.__all__
else:  # a type checker would take any name for one of this module's
    __all__ += [known.class_name for known in MODELS.values()]

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
