"""The block that says where Kie's callbacks arrive, and how they are recognised."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator

from prefect_kie.api.envelope import as_object
from prefect_kie.api.forms import meanings
from prefect_kie.api.hosts import check_host

DONE_PATH, PROGRESS_PATH = "/kie/done", "/kie/progress"
"""Where the receiver learns that a job has ended, and that it makes progress."""

LOGOS = (
    "https://raw.githubusercontent.com/PrefectHQ/prefect/"
    "420d0d6a78bb6df1fc18bcf188fdad43c1d22ea9/assets/block-logos"
)
Receiver = Literal["prefect-kie callbacks", "Prefect Cloud webhook"]


class KnownFields(BaseModel):
    """A block that refuses fields which it does not have.

    Prefect's blocks keep whatever they are given, so that a mistyped address would silently be Kie's own.
    """

    # A refusal that quotes what it was given would show the key.
    model_config = ConfigDict(hide_input_in_errors=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        for name, meaning in meanings(cls).items():
            cls.model_fields[name].description = meaning
        cls.model_rebuild(force=True)

    @model_validator(mode="before")
    @classmethod
    def _has_all(cls, values: Any) -> Any:
        # Prefect adds names that begin with an underscore, and this one.
        own = {*cls.model_fields, "block_type_slug"}
        if unknown := [name for name in as_object(values) if name not in own and not name.startswith("_")]:
            # Without the values: one may be the key.
            raise ValueError(
                f"{cls.__name__} has no {' and no '.join(unknown)}; it has {', '.join(cls.model_fields)}"
            )
        return values


def _no_empty_key(key: object) -> object:
    """None for a field that was left empty: with an empty key anybody could sign."""
    text = key.get_secret_value() if isinstance(key, SecretStr) else key
    return text.strip() or None if isinstance(text, str) else key


class KieCallbacks(KnownFields, Block):
    """Where Kie's callbacks arrive: `prefect-kie callbacks` or a Prefect Cloud webhook; and the signing key.

    A webhook verifies nothing: whoever waits for a job does.

    Example:
        Load a stored block and see where Kie is to post to:
        ```python
        from prefect_kie.blocks import KieCallbacks

        callbacks = KieCallbacks.load("BLOCK_NAME")
        print(callbacks.done_url("kie-0123456789abcdef0123456789abcdef"))
        ```
    """

    _block_type_name = "Kie Callbacks"
    _block_type_slug = "kie-callbacks"
    _logo_url = HttpUrl(f"{LOGOS}/webhook.png")
    _documentation_url = HttpUrl("https://docs.kie.ai/")
    _description = "Where Kie's callbacks arrive, and the key with which Kie signs them."

    receiver: Receiver = "prefect-kie callbacks"
    """What takes the callbacks. A Prefect Cloud webhook needs no server of yours; prefect-kie callbacks
    template prints its template."""
    base_url: Annotated[str, Field(max_length=500), AfterValidator(check_host)] = Field(
        title="Public address"
    )
    """The webhook's URL, or the address at which Kie reaches prefect-kie callbacks, for example through your
    proxy. The latter may have a path, which the proxy takes away."""
    signing_key: Annotated[SecretStr | None, BeforeValidator(_no_empty_key)] = Field(
        default=None, title="Signing key"
    )
    """The key for callbacks from Kie's settings page. It is stored encrypted."""
    window_seconds: float = Field(default=300.0, ge=1, le=3600, title="Accepted clock difference")
    """How far the time of a callback may be from the clock that it is checked by, seconds."""
    accept_unsigned: bool = Field(default=False, title="Accept unsigned callbacks")
    """Whether callbacks without a signature count: then anybody who knows the address can make waiting runs
    poll their jobs, though nothing else."""

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if self.signing_key is None and not self.accept_unsigned:
            raise ValueError(
                "without a signing key every callback would be refused: enter the key of Kie's settings "
                "page, or accept unsigned callbacks"
            )
        return self

    def done_url(self, submission: str) -> str:
        """Where Kie is to post when the job of a submission (its key) has ended."""
        key = quote(submission, safe="")
        # A webhook sees no part of its address, but Kie's record of the job, which the body holds, does.
        return f"{self.base_url}?{key}" if self.is_webhook else f"{self.base_url}{DONE_PATH}/{key}"

    def progress_url(self, submission: str) -> str | None:
        """Where Kie is to post a job's progress; None where a webhook would take that for the job's end."""
        return None if self.is_webhook else f"{self.base_url}{PROGRESS_PATH}/{quote(submission, safe='')}"

    @property
    def is_webhook(self) -> bool:
        """Whether a Prefect Cloud webhook takes them."""
        return self.receiver == "Prefect Cloud webhook"
