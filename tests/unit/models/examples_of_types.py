"""Models and their tasks, used rightly and wrongly: for the type checkers of `make check`; never run."""

from __future__ import annotations

from prefect_kie import models, tasks
from prefect_kie.api import JobHandle

PICTURE = "https://files.example/boat.png"
SOUND = "https://files.example/voice.mp3"


async def right() -> list[JobHandle]:
    """Each task takes its own model's request."""
    song = models.SunoGenerate(custom_mode=False, instrumental=True, prompt="a slow waltz")
    return [
        await tasks.kling_3_0_video(models.Kling30Video(prompt="a yak", image_urls=[PICTURE], duration="5")),
        await tasks.kling_2_6_text_to_video(models.Kling26TextToVideo(prompt="a yak", sound=False), "kie"),
        await tasks.kling_2_6_image_to_video(
            models.Kling26ImageToVideo(prompt="it runs", image_urls=[PICTURE], sound=True), take=2
        ),
        await tasks.sora_2_text_to_video(models.Sora2TextToVideo(prompt="a yak", n_frames="15")),
        await tasks.wan_2_5_text_to_video(
            models.Wan25TextToVideo(prompt="a yak", duration="5", resolution="720p"), job_key="mine"
        ),
        await tasks.hailuo_02_text_to_video_standard(models.Hailuo02TextToVideoStandard(prompt="a yak")),
        await tasks.grok_imagine_text_to_video(models.GrokImagineTextToVideo(prompt="a yak", duration=6)),
        await tasks.grok_imagine_text_to_image(models.GrokImagineTextToImage(prompt="a yak")),
        await tasks.nano_banana_pro(models.NanoBananaPro(prompt="a yak")),
        await tasks.nano_banana_2(models.NanoBanana2(prompt="a yak", image_input=[PICTURE])),
        await tasks.z_image(models.ZImage(prompt="a yak", aspect_ratio="16:9")),
        await tasks.imagen4(models.Imagen4(prompt="a yak")),
        await tasks.seedream_5_pro_text_to_image(models.Seedream5ProTextToImage(prompt="a yak")),
        await tasks.flux_2_pro_text_to_image(models.Flux2ProTextToImage(prompt="a yak"), max_credits=20),
        await tasks.recraft_remove_background(models.RecraftRemoveBackground(image=PICTURE)),
        await tasks.topaz_image_upscale(models.TopazImageUpscale(image_url=PICTURE, upscale_factor="2")),
        await tasks.suno_generate(song),
        await tasks.elevenlabs_text_to_speech_multilingual_v2(
            models.ElevenlabsTextToSpeechMultilingualV2(text="Hello.")
        ),
        await tasks.kling_ai_avatar_pro(
            models.KlingAiAvatarPro(image_url=PICTURE, audio_url=SOUND, prompt="she speaks")
        ),
        await tasks.happyhorse_1_1_text_to_video(models.Happyhorse11TextToVideo(prompt="a yak")),
        await tasks.run_model("acme/any-video", prompt="a yak"),
    ]


async def wrong(video: models.Kling26TextToVideo) -> None:
    """Each line is an error; `make check` fails where a checker does not find it: its ignore is unused."""
    models.Kling26TextToVideo(sound=True)  # type: ignore[call-arg]  # a prompt is needed
    models.Kling26TextToVideo(prompt="a yak", sound=False, duration="7")  # type: ignore[arg-type]  # 5 or 10
    models.Kling26TextToVideo(prompt=5, sound=False)  # type: ignore[arg-type]  # no text
    models.Kling26TextToVideo(prompt="a yak", sound=False, size="high")  # type: ignore[call-arg]  # no field
    models.Kling30Video(prompt="a yak", multi_prompt=[{"text": "it runs"}])  # type: ignore  # no shots
    models.NanoBananaPro(prompt="a yak", resolution="8K")  # type: ignore[arg-type]  # 1K, 2K or 4K
    models.Kling99Video  # type: ignore[attr-defined]  # noqa: B018 - no model
    tasks.kling_99_video  # type: ignore[attr-defined]  # noqa: B018 - no task
    await tasks.kling_3_0_video(video)  # type: ignore[arg-type]  # another model's request
    await tasks.kling_2_6_text_to_video(video, takes=2)  # type: ignore[call-arg]  # it is take
