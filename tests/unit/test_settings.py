"""What an operator may change: read from the environment, documented, and handed to the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from prefect_kie.api import KieClient
from prefect_kie.api.forms import meanings
from prefect_kie.blocks import KieCredentials, credentials
from prefect_kie.settings import KieSettings
from tests.conftest import KEY

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


NUMBERS = [name for name, field in KieSettings.model_fields.items() if field.annotation is float]


@pytest.mark.parametrize("name", KieSettings.model_fields)
def test_each_is_documented(name: str) -> None:
    """The reference names each setting with its default and what it means."""
    field = KieSettings.model_fields[name]
    default = f"{field.default:g}" if name in NUMBERS else str(field.default).lower()
    meaning = " ".join(meanings(KieSettings)[name].split())
    assert f"| `{name.upper()}` | {default} | {meaning} |" in REFERENCE.read_text()


@pytest.mark.parametrize("name", NUMBERS)
def test_each_is_an_environment_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number is read from the environment, and what makes no sense is refused."""
    monkeypatch.setenv(f"PREFECT_INTEGRATIONS_KIE_{name.upper()}", "1.5")
    assert getattr(KieSettings(), name) == 1.5
    monkeypatch.setenv(f"PREFECT_INTEGRATIONS_KIE_{name.upper()}", "-1")
    with pytest.raises(ValidationError):
        KieSettings()


def test_the_client_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of a credentials block has the process's time limits, and those that a call gives before."""
    given: list[dict[str, Any]] = []

    class Client(KieClient):
        def __init__(self, key: SecretStr, **options: Any) -> None:
            given.append(options)
            super().__init__(key, **options)

    monkeypatch.setattr(credentials, "KieClient", Client)
    monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_CALL_TIMEOUT_SECONDS", "7")
    monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_CREATE_TIMEOUT_SECONDS", "70")
    block = KieCredentials(api_key=SecretStr(KEY))
    block.get_client()
    block.get_client(create_seconds=3)
    assert [(one["call_seconds"], one["create_seconds"]) for one in given] == [(7, 70), (7, 3)]
