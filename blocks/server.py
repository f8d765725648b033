"""The Prefect server: what is asked of it before anything is paid, and how errors name it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from prefect.blocks.core import Block
from prefect.settings import get_current_settings

from prefect_kie._compat import says_no_block
from prefect_kie.api import ServiceUnavailable
from prefect_kie.errors import shown_error

BlockT = TypeVar("BlockT", bound=Block)


def server_named() -> str:
    """`the Prefect server at http://127.0.0.1:4200/api`, without a password that its address may hold."""
    url = get_current_settings().api.url
    if not url:
        return "the Prefect server"
    parts = urlsplit(url)
    return f"the Prefect server at {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()}"


@contextmanager
def asked(what: str) -> Generator[None, None, None]:
    """The server is asked `for the block 'kie'`; raises ServiceUnavailable where it does not answer."""
    try:
        yield
    except httpx.HTTPError as error:
        raise ServiceUnavailable(
            f"{server_named()} could not be asked {what} ({shown_error(error)})",
            next_step="Run it again when the Prefect server answers.",
        ) from None  # its text may hold the password of the server's address


async def load_block(kind: type[BlockT], name: str, what: str) -> BlockT | None:
    """A block by its name; None where the server has none. Raises as `asked`."""
    with asked(f"for {what}"):
        try:
            return await kind.aload(name)
        except ValueError as error:
            if says_no_block(error):
                return None
            raise
