"""A Prefect server that is missing, a stranger or closed: one sentence, the same in every command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from prefect_kie.cli.local_server import free_port
from prefect_kie.cli.main import main

COMMANDS = {
    "setup": ["setup"],
    "doctor": ["doctor"],
    "submissions": ["submissions", "list"],
    "batch": [
        "batch",
        "animals.csv",
        "--yes",
        "--model",
        "sora-2-text-to-video",
        "--set",
        "prompt=a {animal}",
    ],
    "callbacks": ["callbacks", "--port", "0"],
    "collect": ["collect", "281e5b0f39b9a7c4d2f0"],
}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The address of something that gives every request this answer."""

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api"
        finally:
            server.shutdown()
            thread.join()


class Terminal:
    """Where somebody types a command, in a directory with a manifest."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, command: str, url: str | None, password: str | None = None) -> tuple[int, list[str]]:
        """The exit code, and the lines of all that was printed."""
        settings = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: password}
        given = {name: value for name, value in settings.items() if value is not None}
        with temporary_settings(given, restore_defaults=settings.keys() - given.keys()):
            code = main(COMMANDS[command])
        printed = self._capsys.readouterr()
        return code, (printed.out + printed.err).splitlines()

    def sentence(self, command: str, url: str | None, password: str | None = None) -> str:
        """What a command that cannot begin says, which is one line."""
        code, said = self.run(command, url, password)
        assert code == 1, said
        if command == "doctor":  # which says more, as a list
            said = [line.removeprefix("error").strip() for line in said if line.startswith("error")]
        (one,) = said
        return one


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # which batch sets for itself
    (tmp_path / "animals.csv").write_text("animal\nyak\n")
    return Terminal(capsys)


@pytest.mark.parametrize("command", ["setup", "doctor"])  # all of them: test_none_is_configured
def test_nobody_answers(command: str, terminal: Terminal) -> None:
    port = free_port()
    said = terminal.sentence(command, f"http://me:secret@127.0.0.1:{port}/api")
    assert said.startswith(f"No Prefect server answers at http://127.0.0.1:{port}/api (")
    assert "prefect server start" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_none_is_configured(command: str, terminal: Terminal) -> None:
    said = terminal.sentence(command, None)
    assert said.startswith("No Prefect server is configured (PREFECT_API_URL is not set): ")


@pytest.mark.parametrize("url", ["127.0.0.1:4200/api", "nonsense", "ftp://127.0.0.1/api", "http:///api"])
def test_what_is_no_address(url: str, terminal: Terminal) -> None:
    assert terminal.sentence("setup", url).startswith("PREFECT_API_URL is not the address of")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>Welcome</html>", "is no Prefect server of version 3 (its answer is not Prefect's)"),
        (200, b'{"version": 4}', "is no Prefect server of version 3 (its answer is not Prefect's)"),
        (404, b"<html>Not found</html>", "is no Prefect server of version 3 (it answers 404)"),
        (405, b"", "is no Prefect server of version 3 (it answers 405)"),
        (403, b"<html>Sign in</html>", "wants a password, and none is set (403)"),
        (500, b"", "answers 500 to /api/"),
        (503, b"<html>Maintenance</html>", "answers 503 to /api/"),
    ],
)
def test_what_is_no_prefect_server_or_a_broken_one(
    status: int, body: bytes, told: str, terminal: Terminal
) -> None:
    with answering(status, body) as url:
        assert told in terminal.sentence("setup", url)
