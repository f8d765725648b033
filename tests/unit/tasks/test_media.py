"""What a file is by its bytes, on real files and on ones built by hand."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_kie.media.kinds import HEAD_BYTES, bytes_after_boxes, is_cut, kind_of, mp4_seconds
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render

AVIO: Any = av


def box(kind: bytes, content: bytes = b"", *, wide: bool = False) -> bytes:
    """A box of ISO/IEC 14496-12, its size in 32 or (wide) in 64 bits."""
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def movie_header(scale: int, units: int, *, version: int = 0, rest: int = 80) -> bytes:
    """A `mvhd` box: creation and modification time, time scale, duration, and what follows."""
    layout = ">B3xQQIQ" if version == 1 else ">B3xIIII"
    return box(b"mvhd", struct.pack(layout, version, 0, 0, scale, units) + bytes(rest))


FTYP = box(b"ftyp", b"isomiso2avc1mp41")
MDAT = box(b"mdat", bytes(100))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of the simulator: 3 seconds, its index at the front."""
    path = tmp_path_factory.mktemp("rendered") / "video.mp4"
    path.write_bytes(render(Clip("a cat", "sora-2", 3), height=36, fps=2))
    return path


def encoded(path: Path, *, seconds: int, **options: str) -> Path:
    """A video as PyAV writes it: its index at the end."""
    with AVIO.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(4 * seconds):
            container.mux(stream.encode(AVIO.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0", ".mp4"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", ".avif"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81", ".webm"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ".png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1", ".jpg"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", ".webp"),
        (b"RIFF\x24\0\0\0AVI LIST", ".avi"),
        (b"RIFF\x24\0\0\0WAVEfmt ", ".wav"),
        (b"GIF89a\1\0\1\0\x80\0\0\0\0\0", ".gif"),
        (b"ID3\4\0\0\0\0\0\0\0\0\0\0\0\0", ".mp3"),
        (b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0\0\0\0\0", ".mp3"),
        (b"\xff\xf3\x84\xc4\0\0\0\0\0\0\0\0\0\0\0\0", ".mp3"),
        (b"OggS\0\2\0\0\0\0\0\0\0\0\0\0", ".ogg"),
        (b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0", ".flac"),
        (b"glTF\2\0\0\0\0\0\0\0\0\0\0\0", ".glb"),
        (b"<!doctype html><", None),
        (b'{"code": 404, "m', None),
        (b"RIFF\x24\0\0\0ACON____", None),
        (b"ftyp", None),
        (b"\0" * 16, None),
        (b"", None),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else str(value),
)
def test_the_first_bytes_tell_the_kind(head: bytes, suffix: str | None) -> None:
    assert kind_of(head) == suffix
    assert len(head) <= HEAD_BYTES


def test_a_rendered_video_is_whole_and_tells_its_length(rendered: Path) -> None:
    content = rendered.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert kind_of(content[:HEAD_BYTES]) == ".mp4"
    assert mp4_seconds(rendered) == pytest.approx(3, abs=0.1)
    assert not is_cut(rendered)


def test_an_index_at_the_end_is_found(tmp_path: Path) -> None:
    path = encoded(tmp_path / "video.mp4", seconds=2)
    content = path.read_bytes()
    assert content.index(b"mdat") < content.index(b"moov")
    assert mp4_seconds(path) == pytest.approx(2, abs=0.1)
    assert not is_cut(path)


def test_a_fragmented_video_is_whole_but_does_not_tell_its_length(tmp_path: Path) -> None:
    path = encoded(tmp_path / "video.mp4", seconds=1, movflags="frag_every_frame+empty_moov")
    assert mp4_seconds(path) is None
    assert not is_cut(path)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_video_cut_short_is_not_whole(rendered: Path, tmp_path: Path, kept: float) -> None:
    whole = rendered.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(len(whole) * kept)])
    assert is_cut(cut)


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (FTYP + box(b"moov", movie_header(1000, 10_500)) + MDAT, 10.5),
        (FTYP + MDAT + box(b"moov", movie_header(600, 9000)), 15.0),
        (FTYP + box(b"moov", movie_header(90_000, 2**33, version=1)) + MDAT, 2**33 / 90_000),
        (FTYP + box(b"mdat", bytes(50), wide=True) + box(b"moov", movie_header(10, 40), wide=True), 4.0),
        (FTYP + box(b"moov", box(b"free", b"x" * 9) + movie_header(1000, 4000)), 4.0),
        (FTYP + box(b"moov", movie_header(1000, 4000)) + struct.pack(">I4s", 0, b"mdat") + b"rest", 4.0),
        (FTYP + box(b"moov", movie_header(0, 4000)), None),
        (FTYP + box(b"moov", movie_header(1000, 0)), None),
        (FTYP + box(b"moov", movie_header(1000, 2**32 - 1)), None),
        (FTYP + box(b"moov", movie_header(1000, 2**64 - 1, version=1)), None),
        (FTYP + box(b"moov", movie_header(1000, 4000, rest=0)), None),
        (FTYP + box(b"moov", box(b"trak", bytes(200))), None),
        (FTYP + MDAT, None),
    ],
    ids=[
        "32 bits",
        "index at the end",
        "64-bit duration",
        "64-bit box sizes",
        "header not first in its box",
        "last box open-ended",
        "no time scale",
        "no duration",
        "unknown duration",
        "unknown 64-bit duration",
        "header too short",
        "no header",
        "no index",
    ],
)
def test_the_movie_header_tells_the_length(content: bytes, seconds: float | None, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    assert mp4_seconds(path) == seconds
    assert bytes_after_boxes(path) == 0


@pytest.mark.parametrize(
    "content",
    [
        FTYP + struct.pack(">I4s", 7, b"moov"),
        FTYP + struct.pack(">I4s", 1, b"moov"),
        FTYP + struct.pack(">I4sQ", 1, b"moov", 15),
        FTYP + struct.pack(">I4sQ", 1, b"moov", 2**64 - 1),
        FTYP + struct.pack(">I4s", 2**32 - 1, b"moov") + movie_header(1000, 4000),
        FTYP + b"\0\0\0",
        b"<html><body>Not found</body></html>",
    ],
    ids=[
        "box smaller than its head",
        "64-bit size missing",
        "64-bit size smaller than its head",
        "64-bit size too large",
        "box longer than the file",
        "odd bytes at the end",
        "page",
    ],
)
def test_what_is_broken_tells_no_length(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    assert mp4_seconds(path) is None
    assert bytes_after_boxes(path) > 0


def test_boxes_without_end_tell_no_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect_kie.media.kinds.MAX_BOXES", 100)
    test_what_is_broken_tells_no_length(box(b"free") * 101, tmp_path)


NESTED = st.recursive(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            movie_header,
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**32 - 1),
            version=st.sampled_from([0, 1]),
            rest=st.integers(0, 20),
        ),
        st.builds(
            struct.pack,
            st.just(">I4s"),
            st.integers(0, 200),
            st.sampled_from([b"moov", b"mvhd", b"free"]),
        ),
    ),
    lambda inner: st.builds(
        lambda kind, parts, wide: box(kind, b"".join(parts), wide=wide),
        st.sampled_from([b"moov", b"mdat", b"mvhd"]),
        st.lists(inner, max_size=3),
        st.booleans(),
    ),
    max_leaves=8,
)
"""Boxes in boxes, some of them broken."""


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), NESTED))
def test_any_bytes_are_read_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    path.write_bytes(content)
    seconds = mp4_seconds(path)
    assert seconds is None or (seconds > 0 and math.isfinite(seconds))
    assert is_cut(path) in (True, False)
    kind_of(content[:HEAD_BYTES])
