"""createTask bodies of every model: the provider's own examples, and fuller ones by its tables."""

from __future__ import annotations

from typing import Any

LECTURE = (
    "A professor stands at the front of a lively classroom, enthusiastically giving a lecture. On the "
    "blackboard behind him are colorful chalk diagrams. With an animated gesture, he declares to the "
    "students: “Sora 2 is now available on Kie AI, making it easier than ever to create stunning "
    "videos.” The students listen attentively, some smiling and taking notes."
)
ORCHESTRA = (
    "A claymation conductor passionately leads a claymation orchestra, while the entire group joyfully "
    "sings in chorus the phrase: “Sora 2 is now available on Kie AI."
)
PICTURE = "https://file.aiquickdraw.com/custom-page/akr/section-images/17594315607644506ltpf.jpg"

EXAMPLES: dict[str, dict[str, Any]] = {
    "text": {
        "model": "sora-2-text-to-video",
        "input": {
            "prompt": LECTURE,
            "aspect_ratio": "landscape",
            "n_frames": "10",
            "remove_watermark": True,
            "upload_method": "s3",
        },
    },
    "text-stable": {
        "model": "sora-2-text-to-video-stable",
        "input": {"prompt": LECTURE, "aspect_ratio": "landscape", "n_frames": "10", "upload_method": "s3"},
    },
    "image-stable": {
        "model": "sora-2-image-to-video-stable",
        "input": {
            "prompt": ORCHESTRA,
            "image_urls": [PICTURE],
            "aspect_ratio": "landscape",
            "n_frames": "10",
            "upload_method": "s3",
        },
    },
}
"""The request examples of the provider's pages, word for word."""

FULL: dict[str, dict[str, Any]] = {
    "text": {
        "model": "sora-2-text-to-video",
        "input": {
            "prompt": "a dog",
            "aspect_ratio": "portrait",
            "n_frames": "15",
            "remove_watermark": False,
            "character_id_list": ["ch_1", "ch_2"],
            "upload_method": "oss",
        },
    },
    "image": {
        "model": "sora-2-image-to-video",
        "input": {
            "prompt": "a dog",
            "image_urls": [PICTURE],
            "aspect_ratio": "portrait",
            "n_frames": "15",
            "remove_watermark": True,
            "character_id_list": ["ch_1"],
            "upload_method": "oss",
        },
    },
    "pro-text": {
        "model": "sora-2-pro-text-to-video",
        "input": {
            "prompt": "a dog",
            "aspect_ratio": "landscape",
            "n_frames": "10",
            "size": "standard",
            "remove_watermark": True,
            "character_id_list": ["ch_1"],
            "upload_method": "s3",
        },
    },
    "pro-image": {
        "model": "sora-2-pro-image-to-video",
        "input": {
            "prompt": "a dog",
            "image_urls": [PICTURE],
            "aspect_ratio": "landscape",
            "n_frames": "10",
            "size": "high",
            "remove_watermark": True,
            "character_id_list": ["ch_1"],
            "upload_method": "s3",
        },
    },
    "text-stable": {
        "model": "sora-2-text-to-video-stable",
        "input": {"prompt": "a dog", "aspect_ratio": "portrait", "n_frames": "15", "upload_method": "oss"},
    },
    "image-stable": {
        "model": "sora-2-image-to-video-stable",
        "input": {
            "prompt": "a dog",
            "image_urls": [PICTURE],
            "aspect_ratio": "portrait",
            "n_frames": "15",
            "upload_method": "oss",
        },
    },
    "characters-pro": {
        "model": "sora-2-characters-pro",
        "input": {
            "origin_task_id": "e989621f54392584b05867f87b160672",
            "timestamps": "3.55,5.55",
            "character_prompt": "cheerful barista, green apron, warm smile",
            "character_user_name": "sky_ranger",
            "safety_instruction": "no violence, politics, or alcohol; PG-13 max",
        },
    },
    "characters": {
        "model": "sora-2-characters",
        "input": {
            "character_file_url": ["https://files.example/barista.mp4"],
            "character_prompt": "cheerful barista",
            "safety_instruction": "no violence",
        },
    },
    "storyboard": {
        "model": "sora-2-pro-storyboard",
        "input": {
            "shots": [{"Scene": "dawn over the sea", "duration": 7.5}, {"Scene": "a boat", "duration": 7.5}],
            "n_frames": "25",
            "image_urls": [PICTURE],
            "aspect_ratio": "landscape",
            "upload_method": "s3",
        },
    },
    "watermark-remover": {
        "model": "sora-watermark-remover",
        "input": {"video_url": "https://sora.chatgpt.com/p/s_1", "upload_method": "s3"},
    },
    "market": {
        "model": "acme/any-video",
        "input": {"prompt": "a dog", "duration": "5", "sound": False, "nested": {"seed": 1, "tags": ["a"]}},
    },
}
"""For each typed model, and one market model, a body with every documented field."""
