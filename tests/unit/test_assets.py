"""The keys of assets: for every place that results are at, and such as Prefect takes."""

from __future__ import annotations

import pytest
from prefect.assets import Asset
from prefect.types.names import RESTRICTED_ASSET_CHARACTERS

from prefect_kie.media.assets import asset_key


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("/home/me/kie-videos/a.mp4", "file:///home/me/kie-videos/a.mp4"),
        ("/home/me/My Videos: 100%/a.mp4", "file:///home/me/My_Videos:_100_/a.mp4"),
        ("s3://bucket/videos/a.mp4", "s3://bucket/videos/a.mp4"),
        ("ftp://me:secret@host/a.mp4", "ftp://me:***@host/a.mp4"),
        ("https://host.example/a.png?token=secret#b", "https://host.example/a.png"),
        ("s3-bucket/videos: campaign/a.mp4", "block://s3-bucket/videos/campaign/a.mp4"),
        ("s3-bucket: a.mp4", "block://s3-bucket/a.mp4"),
        ("/ü/é.mp4", "file:///ü/é.mp4"),
    ],
)
def test_each_place_has_one(place: str, key: str) -> None:
    assert asset_key(place) == key
    assert Asset(key=key).key == key


def test_no_path_is_refused_for_its_characters() -> None:
    odd = "".join(RESTRICTED_ASSET_CHARACTERS)
    assert asset_key(f"/a{odd}b") == f"file:///a{'_' * len(odd)}b"
    Asset(key=asset_key(f"/a{odd}b"))
