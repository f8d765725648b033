"""The block that holds the key to Kie."""

import os
import re
from typing import Annotated, Any

from prefect.blocks.abstract import CredentialsBlock
from prefect.logging import get_logger
from pydantic import AfterValidator, Field, GetJsonSchemaHandler, HttpUrl, SecretStr, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from prefect_kie.api import AuthenticationFailed, InvalidRequest, KieClient
from prefect_kie.api.calls import CREATES_PER_10_SECONDS, POLLS_PER_SECOND
from prefect_kie.api.envelope import as_object
from prefect_kie.api.hosts import API_URL, UPLOAD_URL, check_host, check_key
from prefect_kie.blocks.callbacks import LOGOS, KieCallbacks, KnownFields
from prefect_kie.blocks.server import load_block, server_named
from prefect_kie.settings import KieSettings

DEFAULT_CREDENTIALS = "kie"
"""Name of the credentials block that tasks and flows use unless told otherwise."""
KEY_VARIABLE = "KIE_API_KEY"
"""The environment variable whose key is used where there is no such block."""
NAME = r"^(kie-credentials/.+|(?!sk-)(?!.*[a-z0-9]{20})[a-z0-9-]+)$"
"""A block's name, and none that may be a key; with its type in front any name is one."""

Host = Annotated[str, AfterValidator(check_host)]


class KieCredentials(KnownFields, CredentialsBlock):
    """The key to a Kie AI account, and where Kie is reached.

    Example:
        Load a stored key and look at the balance:
        ```python
        from prefect_kie.blocks import KieCredentials

        credentials = KieCredentials.load("BLOCK_NAME")
        async with credentials.get_client() as client:
            print(await client.get_credits())
        ```
    """

    _block_type_name = "Kie Credentials"
    _block_type_slug = "kie-credentials"
    _logo_url = HttpUrl(f"{LOGOS}/secret.png")
    _documentation_url = HttpUrl("https://docs.kie.ai/")
    _description = "The key to a Kie AI account, for all of its models."

    api_key: Annotated[SecretStr, AfterValidator(check_key)] = Field(title="API key")
    """The key from kie.ai/api-key. It is stored encrypted."""
    base_url: Host = Field(default=API_URL, title="API address")
    """Where Kie's jobs API lives; another address for the simulator or a proxy."""
    upload_url: Host = Field(default=UPLOAD_URL, title="Upload address")
    """Where files are uploaded to; another address for the simulator or a proxy."""
    callbacks: KieCallbacks | None = Field(default=None, title="Callbacks")
    """Where Kie posts to when a job ends, so that it is known at once. Leave it empty where nothing of yours
    can be reached from the internet: then jobs are polled from time to time."""
    account: str = Field(default="", max_length=100)
    """A name of your own for the Kie account, where you have several and use one job_key with more than one:
    a job is then paid once per account. Do not change it when you replace the key."""
    creates_per_10_seconds: int = Field(
        default=CREATES_PER_10_SECONDS, ge=1, title="Submissions in 10 seconds"
    )
    """How many jobs Kie lets this account submit in 10 seconds; each process keeps to it."""
    polls_per_second: int = Field(default=POLLS_PER_SECOND, ge=1, title="Polls a second")
    """How often each process polls in a second, all jobs of this key together; Kie takes 10 of each job."""

    @field_validator("callbacks", mode="before")
    @classmethod
    def _none_chosen(cls, given: object) -> object:
        return given or None  # the classic UI saves an empty object where no callbacks are chosen

    def get_client(self, *args: Any, **kwargs: Any) -> KieClient:
        """A client for Kie with this key: `async with credentials.get_client() as client:`.

        Args:
            *args: None are taken.
            **kwargs: What else `KieClient` takes, as `timeout`, seconds.
        """
        settings = KieSettings()
        options: dict[str, Any] = {
            "base_url": self.base_url,
            "upload_url": self.upload_url,
            "call_seconds": settings.call_timeout_seconds,
            "create_seconds": settings.create_timeout_seconds,
            "creates_per_10_seconds": self.creates_per_10_seconds,
            "polls_per_second": self.polls_per_second,
        }
        return KieClient(self.api_key, *args, **options | kwargs)


class _NoKey:
    """What the Prefect server refuses before a run exists: an object with a key, a text that may be one."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        block, name = schema["anyOf"]
        fields = handler.resolve_ref_schema(block)
        # A chosen block comes as its reference, which Prefect allows besides.
        fields.update(properties={}, required=[], additionalProperties=False)
        name.update(pattern=NAME, title="By its name")
        return schema


Credentials = Annotated[KieCredentials | str, _NoKey]
"""A flow's parameter: the block, or its name."""


def check_credentials_value(value: object) -> None:
    """Make sure that no key is given in the place of a block or its name.

    Raises:
        InvalidRequest: when it may be a key; says its shape alone.
    """
    shape = f"{len(value)} bytes" if isinstance(value, bytes) else ""
    if isinstance(value, dict) and list(as_object(value)) != ["$ref"]:  # as which a chosen block comes
        shape = "an object with fields of its own"
    elif isinstance(value, str) and not re.match(NAME, value):
        shape = f"a text of {len(value)} characters that is no block's name"
    if shape:
        raise InvalidRequest(
            f"credentials is {shape}, where the Kie Credentials block or its name belongs; nothing was "
            "submitted",
            next_step="Save the key in a Kie Credentials block, in the UI (Blocks) or with "
            'KieCredentials(api_key=...).save("kie"), and give the block or its name. If it was a '
            "block's name, write kie-credentials/ in front of it.",
        )


async def load_credentials(credentials: KieCredentials | str) -> KieCredentials:
    """The credentials, loaded from the Prefect server where only their block's name is given.

    Where no block is named, so that it is `kie`, and the server has none of that name, the key in the
    environment variable `KIE_API_KEY` is used.

    Args:
        credentials: A block, its name, or `kie-credentials/` and its name.

    Raises:
        InvalidRequest: when a key is given, or anything else that is no block's name.
        AuthenticationFailed: when the server has no such block; says how to make one.
        ServiceUnavailable: when the Prefect server does not answer.
    """
    if isinstance(credentials, KieCredentials):
        return credentials
    check_credentials_value(credentials)
    name = credentials.removeprefix("kie-credentials/")
    shown = repr(name) if re.match(NAME, name) else f"(a name of {len(name)} characters)"
    if (found := await load_block(KieCredentials, name, f"the block {shown}")) is not None:
        return found
    if name == DEFAULT_CREDENTIALS and (key := os.environ.get(KEY_VARIABLE)):
        used = "%s has no block %r: the key in %s is used"
        get_logger("prefect_kie").info(used, server_named(), name, KEY_VARIABLE)
        return KieCredentials(api_key=SecretStr(key))
    unset, how = "", "Create it"
    if name == DEFAULT_CREDENTIALS:
        unset = f", and {KEY_VARIABLE} is not set"
        how = f"Set {KEY_VARIABLE} (a key is made at kie.ai/api-key), run `prefect-kie setup`, or create it"
    raise AuthenticationFailed(
        f"{server_named()} has no KieCredentials block named {shown}{unset}",
        next_step=f"{how} in the UI (Blocks, Kie Credentials) or with "
        f"KieCredentials(api_key=...).save({shown}). Then run again.",
    )
