"""Texts of others, without their secrets."""

from __future__ import annotations

import pytest

from prefect_kie.errors import shown_error, without_passwords
from prefect_kie.runtime.logs import run_logger

ADDRESSES = [
    ("sftp://user:hunter2@host/videos", "sftp://user:***@host/videos"),
    ("ftp://user:p@ssw0rd@host/a@b", "ftp://user:***@host/a@b"),
    (
        "no base path 'smb://u:s3cret@h/x' and 's3://bucket/key'",
        "no base path 'smb://u:***@h/x' and 's3://bucket/key'",
    ),
    ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/api"),
    ("https://host/a:b@c", "https://host/a:b@c"),
    ("s3://bucket", "s3://bucket"),
]


@pytest.mark.parametrize(("text", "shown"), ADDRESSES, ids=lambda value: str(value)[:20])
def test_passwords_in_addresses_are_not_shown(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
    assert shown_error(RuntimeError(text)) == f"RuntimeError: {shown}"


def test_outside_of_a_run_there_is_a_log_too(caplog: pytest.LogCaptureFixture) -> None:
    run_logger().warning("stopped")
    assert "stopped" in caplog.text
