"""The Prefect server as errors name it."""

from urllib.parse import urlsplit

from prefect.settings import get_current_settings


def server_named() -> str:
    """`the Prefect server at http://127.0.0.1:4200/api`, without a password that its address may hold."""
    url = get_current_settings().api.url
    if not url:
        return "the Prefect server"
    parts = urlsplit(url)
    return f"the Prefect server at {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()}"
