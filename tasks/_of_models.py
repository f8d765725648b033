"""The tasks of all models, for type checkers; each is made when it is first used.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from prefect_kie import models
from prefect_kie.tasks.models import ModelTask

__all__ = [
    "elevenlabs_text_to_dialogue_v3",
    "elevenlabs_text_to_speech_multilingual_v2",
    "elevenlabs_text_to_speech_turbo_2_5",
    "flux1_kontext",
    "flux_2_flex_image_to_image",
    "flux_2_flex_text_to_image",
    "flux_2_pro_image_to_image",
    "flux_2_pro_text_to_image",
    "gemini_2_5_pro_tts",
    "gemini_3_1_flash_tts",
    "gemini_3_8_flash_lite_tts",
    "gemini_3_8_flash_tts",
    "gemini_omni_flash_1_1",
    "gemini_omni_video",
    "gpt_4o_image",
    "gpt_image_1_5_image_to_image",
    "gpt_image_1_5_text_to_image",
    "gpt_image_2_5_flare_image_to_image",
    "gpt_image_2_5_flare_text_to_image",
    "gpt_image_2_5_sunburst_image_to_image",
    "gpt_image_2_5_sunburst_text_to_image",
    "gpt_image_2_image_to_image",
    "gpt_image_2_text_to_image",
    "grok_imagine_extend",
    "grok_imagine_image_2_0_image_edit",
    "grok_imagine_image_2_0_segment_edit",
    "grok_imagine_image_2_0_segment_map",
    "grok_imagine_image_2_0_text_to_image",
    "grok_imagine_image_to_image",
    "grok_imagine_image_to_video",
    "grok_imagine_text_to_image",
    "grok_imagine_text_to_video",
    "grok_imagine_upscale",
    "grok_imagine_video_1_5_preview",
    "hailuo_02_image_to_video_pro",
    "hailuo_02_image_to_video_standard",
    "hailuo_02_text_to_video_pro",
    "hailuo_02_text_to_video_standard",
    "hailuo_2_3_image_to_video_pro",
    "hailuo_2_3_image_to_video_standard",
    "happyhorse_1_1_image_to_video",
    "happyhorse_1_1_reference_to_video",
    "happyhorse_1_1_text_to_video",
    "happyhorse_image_to_video",
    "happyhorse_reference_to_video",
    "happyhorse_text_to_video",
    "happyhorse_video_edit",
    "ideogram_character",
    "ideogram_character_edit",
    "ideogram_character_remix",
    "ideogram_v3_edit",
    "ideogram_v3_remix",
    "ideogram_v3_text_to_image",
    "imagen4",
    "imagen4_fast",
    "imagen4_ultra",
    "infinitalk_from_audio",
    "kling_2_6_image_to_video",
    "kling_2_6_motion_control",
    "kling_2_6_text_to_video",
    "kling_3_0_motion_control",
    "kling_3_0_omni_image_to_video",
    "kling_3_0_omni_reference_to_video",
    "kling_3_0_omni_text_to_video",
    "kling_3_0_omni_transformation",
    "kling_3_0_video",
    "kling_ai_avatar_pro",
    "kling_ai_avatar_standard",
    "kling_v2_1_master_image_to_video",
    "kling_v2_1_master_text_to_video",
    "kling_v2_1_pro",
    "kling_v2_1_standard",
    "kling_v2_5_turbo_image_to_video_pro",
    "kling_v2_5_turbo_text_to_video_pro",
    "kling_v3_turbo_image_to_video",
    "kling_v3_turbo_text_to_video",
    "minimax_h3_image_to_video",
    "minimax_h3_reference_to_video",
    "minimax_h3_text_to_video",
    "nano_banana",
    "nano_banana_2",
    "nano_banana_2_lite",
    "nano_banana_edit",
    "nano_banana_pro",
    "omnihuman_1_5",
    "omnihuman_1_5_human_identification",
    "omnihuman_1_5_subject_detection",
    "pixverse_v6_extend",
    "pixverse_v6_image_to_video",
    "pixverse_v6_reference_to_video",
    "pixverse_v6_text_to_video",
    "pixverse_v6_transition",
    "qwen2_1_image_to_image",
    "qwen2_1_text_to_image",
    "qwen2_image_edit",
    "qwen2_text_to_image",
    "qwen3_image_to_image",
    "qwen3_pro_image_to_image",
    "qwen3_pro_text_to_image",
    "qwen3_text_to_image",
    "qwen_image_edit",
    "qwen_image_to_image",
    "qwen_text_to_image",
    "recraft_crisp_upscale",
    "recraft_remove_background",
    "runway",
    "runway_extend_ai_video",
    "seedance_1_0_lite_image_to_video",
    "seedance_1_0_lite_text_to_video",
    "seedance_1_0_pro_fast_image_to_video",
    "seedance_1_0_pro_image_to_video",
    "seedance_1_0_pro_text_to_video",
    "seedance_1_5_pro",
    "seedance_2",
    "seedance_2_5",
    "seedance_2_fast",
    "seedance_2_mini",
    "seedream",
    "seedream_4_5_edit",
    "seedream_4_5_text_to_image",
    "seedream_5_flash_image_to_image",
    "seedream_5_flash_layer_decomposition",
    "seedream_5_flash_text_to_image",
    "seedream_5_lite_image_to_image",
    "seedream_5_lite_text_to_image",
    "seedream_5_pro_image_to_image",
    "seedream_5_pro_layer_decomposition",
    "seedream_5_pro_text_to_image",
    "seedream_v4_edit",
    "seedream_v4_text_to_image",
    "sora_2_characters",
    "sora_2_characters_pro",
    "sora_2_image_to_video",
    "sora_2_image_to_video_stable",
    "sora_2_pro_image_to_video",
    "sora_2_pro_storyboard",
    "sora_2_pro_text_to_video",
    "sora_2_text_to_video",
    "sora_2_text_to_video_stable",
    "sora_watermark_remover",
    "suno_add_instrumental",
    "suno_add_vocals",
    "suno_boost_music_style",
    "suno_check_voice",
    "suno_convert_to_wav_format",
    "suno_cover_generate",
    "suno_create_music_video",
    "suno_create_voice",
    "suno_extend",
    "suno_generate",
    "suno_generate_lyrics",
    "suno_generate_midi_from_audio",
    "suno_generate_persona",
    "suno_mashup",
    "suno_recovery_audio",
    "suno_regenerate_phrase",
    "suno_replace_section",
    "suno_separate_vocals",
    "suno_sounds",
    "suno_timestamped_lyrics",
    "suno_upload_and_cover_audio",
    "suno_upload_and_extend_audio",
    "suno_validation_phrase",
    "topaz_image_upscale",
    "topaz_video_upscale",
    "veo_3_1",
    "veo_extend",
    "veo_get_4k_video",
    "veo_get_1080p_video",
    "volcengine_video_to_video_lip_sync",
    "wan_2_2_a14b_image_to_video_turbo",
    "wan_2_2_a14b_speech_to_video_turbo",
    "wan_2_2_a14b_text_to_video_turbo",
    "wan_2_2_animate_move",
    "wan_2_2_animate_replace",
    "wan_2_5_image_to_video",
    "wan_2_5_text_to_video",
    "wan_2_6_image_to_video",
    "wan_2_6_text_to_video",
    "wan_2_6_video_to_video",
    "wan_2_7_image",
    "wan_2_7_image_pro",
    "wan_2_7_image_to_video",
    "wan_2_7_r2v",
    "wan_2_7_text_to_video",
    "wan_2_7_videoedit",
    "wan_3_0_video",
    "wan_3_0_video_prime",
    "z_image",
]

elevenlabs_text_to_dialogue_v3: ModelTask[models.ElevenlabsTextToDialogueV3]
"""Submit a job of elevenlabs/text-to-dialogue-v3, once."""
elevenlabs_text_to_speech_multilingual_v2: ModelTask[models.ElevenlabsTextToSpeechMultilingualV2]
"""Submit a job of elevenlabs/text-to-speech-multilingual-v2, once."""
elevenlabs_text_to_speech_turbo_2_5: ModelTask[models.ElevenlabsTextToSpeechTurbo25]
"""Submit a job of elevenlabs/text-to-speech-turbo-2-5, once."""
flux1_kontext: ModelTask[models.Flux1Kontext]
"""Submit a job of flux1-kontext, once."""
flux_2_flex_image_to_image: ModelTask[models.Flux2FlexImageToImage]
"""Submit a job of flux-2/flex-image-to-image, once."""
flux_2_flex_text_to_image: ModelTask[models.Flux2FlexTextToImage]
"""Submit a job of flux-2/flex-text-to-image, once."""
flux_2_pro_image_to_image: ModelTask[models.Flux2ProImageToImage]
"""Submit a job of flux-2/pro-image-to-image, once."""
flux_2_pro_text_to_image: ModelTask[models.Flux2ProTextToImage]
"""Submit a job of flux-2/pro-text-to-image, once."""
gemini_2_5_pro_tts: ModelTask[models.Gemini25ProTts]
"""Submit a job of google/gemini-2-5-pro-tts, once."""
gemini_3_1_flash_tts: ModelTask[models.Gemini31FlashTts]
"""Submit a job of google/gemini-3-1-flash-tts, once."""
gemini_3_8_flash_lite_tts: ModelTask[models.Gemini38FlashLiteTts]
"""Submit a job of google/gemini-3-8-flash-lite-tts, once."""
gemini_3_8_flash_tts: ModelTask[models.Gemini38FlashTts]
"""Submit a job of google/gemini-3-8-flash-tts, once."""
gemini_omni_flash_1_1: ModelTask[models.GeminiOmniFlash11]
"""Submit a job of google/gemini-omni-flash-1-1, once."""
gemini_omni_video: ModelTask[models.GeminiOmniVideo]
"""Submit a job of gemini-omni-video, once."""
gpt_4o_image: ModelTask[models.Gpt4oImage]
"""Submit a job of 4o-image-api, once."""
gpt_image_1_5_image_to_image: ModelTask[models.GptImage15ImageToImage]
"""Submit a job of gpt-image/1.5-image-to-image, once."""
gpt_image_1_5_text_to_image: ModelTask[models.GptImage15TextToImage]
"""Submit a job of gpt-image/1.5-text-to-image, once."""
gpt_image_2_5_flare_image_to_image: ModelTask[models.GptImage25FlareImageToImage]
"""Submit a job of gpt-image-2-5-flare-image-to-image, once."""
gpt_image_2_5_flare_text_to_image: ModelTask[models.GptImage25FlareTextToImage]
"""Submit a job of gpt-image-2-5-flare-text-to-image, once."""
gpt_image_2_5_sunburst_image_to_image: ModelTask[models.GptImage25SunburstImageToImage]
"""Submit a job of gpt-image-2-5-sunburst-image-to-image, once."""
gpt_image_2_5_sunburst_text_to_image: ModelTask[models.GptImage25SunburstTextToImage]
"""Submit a job of gpt-image-2-5-sunburst-text-to-image, once."""
gpt_image_2_image_to_image: ModelTask[models.GptImage2ImageToImage]
"""Submit a job of gpt-image-2-image-to-image, once."""
gpt_image_2_text_to_image: ModelTask[models.GptImage2TextToImage]
"""Submit a job of gpt-image-2-text-to-image, once."""
grok_imagine_extend: ModelTask[models.GrokImagineExtend]
"""Submit a job of grok-imagine/extend, once."""
grok_imagine_image_2_0_image_edit: ModelTask[models.GrokImagineImage20ImageEdit]
"""Submit a job of grok-imagine-image-2-0/image-edit, once."""
grok_imagine_image_2_0_segment_edit: ModelTask[models.GrokImagineImage20SegmentEdit]
"""Submit a job of grok-imagine-image-2-0/segment-edit, once."""
grok_imagine_image_2_0_segment_map: ModelTask[models.GrokImagineImage20SegmentMap]
"""Submit a job of grok-imagine-image-2-0/segment-map, once."""
grok_imagine_image_2_0_text_to_image: ModelTask[models.GrokImagineImage20TextToImage]
"""Submit a job of grok-imagine-image-2-0/text-to-image, once."""
grok_imagine_image_to_image: ModelTask[models.GrokImagineImageToImage]
"""Submit a job of grok-imagine/image-to-image, once."""
grok_imagine_image_to_video: ModelTask[models.GrokImagineImageToVideo]
"""Submit a job of grok-imagine/image-to-video, once."""
grok_imagine_text_to_image: ModelTask[models.GrokImagineTextToImage]
"""Submit a job of grok-imagine/text-to-image, once."""
grok_imagine_text_to_video: ModelTask[models.GrokImagineTextToVideo]
"""Submit a job of grok-imagine/text-to-video, once."""
grok_imagine_upscale: ModelTask[models.GrokImagineUpscale]
"""Submit a job of grok-imagine/upscale, once."""
grok_imagine_video_1_5_preview: ModelTask[models.GrokImagineVideo15Preview]
"""Submit a job of grok-imagine-video-1-5-preview, once."""
hailuo_02_image_to_video_pro: ModelTask[models.Hailuo02ImageToVideoPro]
"""Submit a job of hailuo/02-image-to-video-pro, once."""
hailuo_02_image_to_video_standard: ModelTask[models.Hailuo02ImageToVideoStandard]
"""Submit a job of hailuo/02-image-to-video-standard, once."""
hailuo_02_text_to_video_pro: ModelTask[models.Hailuo02TextToVideoPro]
"""Submit a job of hailuo/02-text-to-video-pro, once."""
hailuo_02_text_to_video_standard: ModelTask[models.Hailuo02TextToVideoStandard]
"""Submit a job of hailuo/02-text-to-video-standard, once."""
hailuo_2_3_image_to_video_pro: ModelTask[models.Hailuo23ImageToVideoPro]
"""Submit a job of hailuo/2-3-image-to-video-pro, once."""
hailuo_2_3_image_to_video_standard: ModelTask[models.Hailuo23ImageToVideoStandard]
"""Submit a job of hailuo/2-3-image-to-video-standard, once."""
happyhorse_1_1_image_to_video: ModelTask[models.Happyhorse11ImageToVideo]
"""Submit a job of happyhorse-1-1/image-to-video, once."""
happyhorse_1_1_reference_to_video: ModelTask[models.Happyhorse11ReferenceToVideo]
"""Submit a job of happyhorse-1-1/reference-to-video, once."""
happyhorse_1_1_text_to_video: ModelTask[models.Happyhorse11TextToVideo]
"""Submit a job of happyhorse-1-1/text-to-video, once."""
happyhorse_image_to_video: ModelTask[models.HappyhorseImageToVideo]
"""Submit a job of happyhorse/image-to-video, once."""
happyhorse_reference_to_video: ModelTask[models.HappyhorseReferenceToVideo]
"""Submit a job of happyhorse/reference-to-video, once."""
happyhorse_text_to_video: ModelTask[models.HappyhorseTextToVideo]
"""Submit a job of happyhorse/text-to-video, once."""
happyhorse_video_edit: ModelTask[models.HappyhorseVideoEdit]
"""Submit a job of happyhorse/video-edit, once."""
ideogram_character: ModelTask[models.IdeogramCharacter]
"""Submit a job of ideogram/character, once."""
ideogram_character_edit: ModelTask[models.IdeogramCharacterEdit]
"""Submit a job of ideogram/character-edit, once."""
ideogram_character_remix: ModelTask[models.IdeogramCharacterRemix]
"""Submit a job of ideogram/character-remix, once."""
ideogram_v3_edit: ModelTask[models.IdeogramV3Edit]
"""Submit a job of ideogram/v3-edit, once."""
ideogram_v3_remix: ModelTask[models.IdeogramV3Remix]
"""Submit a job of ideogram/v3-remix, once."""
ideogram_v3_text_to_image: ModelTask[models.IdeogramV3TextToImage]
"""Submit a job of ideogram/v3-text-to-image, once."""
imagen4: ModelTask[models.Imagen4]
"""Submit a job of google/imagen4, once."""
imagen4_fast: ModelTask[models.Imagen4Fast]
"""Submit a job of google/imagen4-fast, once."""
imagen4_ultra: ModelTask[models.Imagen4Ultra]
"""Submit a job of google/imagen4-ultra, once."""
infinitalk_from_audio: ModelTask[models.InfinitalkFromAudio]
"""Submit a job of infinitalk/from-audio, once."""
kling_2_6_image_to_video: ModelTask[models.Kling26ImageToVideo]
"""Submit a job of kling-2.6/image-to-video, once."""
kling_2_6_motion_control: ModelTask[models.Kling26MotionControl]
"""Submit a job of kling-2.6/motion-control, once."""
kling_2_6_text_to_video: ModelTask[models.Kling26TextToVideo]
"""Submit a job of kling-2.6/text-to-video, once."""
kling_3_0_motion_control: ModelTask[models.Kling30MotionControl]
"""Submit a job of kling-3.0/motion-control, once."""
kling_3_0_omni_image_to_video: ModelTask[models.Kling30OmniImageToVideo]
"""Submit a job of kling-3.0-omni/image-to-video, once."""
kling_3_0_omni_reference_to_video: ModelTask[models.Kling30OmniReferenceToVideo]
"""Submit a job of kling-3.0-omni/reference-to-video, once."""
kling_3_0_omni_text_to_video: ModelTask[models.Kling30OmniTextToVideo]
"""Submit a job of kling-3.0-omni/text-to-video, once."""
kling_3_0_omni_transformation: ModelTask[models.Kling30OmniTransformation]
"""Submit a job of kling-3.0-omni/transformation, once."""
kling_3_0_video: ModelTask[models.Kling30Video]
"""Submit a job of kling-3.0/video, once."""
kling_ai_avatar_pro: ModelTask[models.KlingAiAvatarPro]
"""Submit a job of kling/ai-avatar-pro, once."""
kling_ai_avatar_standard: ModelTask[models.KlingAiAvatarStandard]
"""Submit a job of kling/ai-avatar-standard, once."""
kling_v2_1_master_image_to_video: ModelTask[models.KlingV21MasterImageToVideo]
"""Submit a job of kling/v2-1-master-image-to-video, once."""
kling_v2_1_master_text_to_video: ModelTask[models.KlingV21MasterTextToVideo]
"""Submit a job of kling/v2-1-master-text-to-video, once."""
kling_v2_1_pro: ModelTask[models.KlingV21Pro]
"""Submit a job of kling/v2-1-pro, once."""
kling_v2_1_standard: ModelTask[models.KlingV21Standard]
"""Submit a job of kling/v2-1-standard, once."""
kling_v2_5_turbo_image_to_video_pro: ModelTask[models.KlingV25TurboImageToVideoPro]
"""Submit a job of kling/v2-5-turbo-image-to-video-pro, once."""
kling_v2_5_turbo_text_to_video_pro: ModelTask[models.KlingV25TurboTextToVideoPro]
"""Submit a job of kling/v2-5-turbo-text-to-video-pro, once."""
kling_v3_turbo_image_to_video: ModelTask[models.KlingV3TurboImageToVideo]
"""Submit a job of kling/v3-turbo-image-to-video, once."""
kling_v3_turbo_text_to_video: ModelTask[models.KlingV3TurboTextToVideo]
"""Submit a job of kling/v3-turbo-text-to-video, once."""
minimax_h3_image_to_video: ModelTask[models.MinimaxH3ImageToVideo]
"""Submit a job of minimax-h3/image-to-video, once."""
minimax_h3_reference_to_video: ModelTask[models.MinimaxH3ReferenceToVideo]
"""Submit a job of minimax-h3/reference-to-video, once."""
minimax_h3_text_to_video: ModelTask[models.MinimaxH3TextToVideo]
"""Submit a job of minimax-h3/text-to-video, once."""
nano_banana: ModelTask[models.NanoBanana]
"""Submit a job of google/nano-banana, once."""
nano_banana_2: ModelTask[models.NanoBanana2]
"""Submit a job of nano-banana-2, once."""
nano_banana_2_lite: ModelTask[models.NanoBanana2Lite]
"""Submit a job of nano-banana-2-lite, once."""
nano_banana_edit: ModelTask[models.NanoBananaEdit]
"""Submit a job of google/nano-banana-edit, once."""
nano_banana_pro: ModelTask[models.NanoBananaPro]
"""Submit a job of nano-banana-pro, once."""
omnihuman_1_5: ModelTask[models.Omnihuman15]
"""Submit a job of omnihuman-1-5, once."""
omnihuman_1_5_human_identification: ModelTask[models.Omnihuman15HumanIdentification]
"""Submit a job of omnihuman-1-5/human-identification, once."""
omnihuman_1_5_subject_detection: ModelTask[models.Omnihuman15SubjectDetection]
"""Submit a job of omnihuman-1-5/subject-detection, once."""
pixverse_v6_extend: ModelTask[models.PixverseV6Extend]
"""Submit a job of pixverse-v6/extend, once."""
pixverse_v6_image_to_video: ModelTask[models.PixverseV6ImageToVideo]
"""Submit a job of pixverse-v6/image-to-video, once."""
pixverse_v6_reference_to_video: ModelTask[models.PixverseV6ReferenceToVideo]
"""Submit a job of pixverse-v6/reference-to-video, once."""
pixverse_v6_text_to_video: ModelTask[models.PixverseV6TextToVideo]
"""Submit a job of pixverse-v6/text-to-video, once."""
pixverse_v6_transition: ModelTask[models.PixverseV6Transition]
"""Submit a job of pixverse-v6/transition, once."""
qwen2_1_image_to_image: ModelTask[models.Qwen21ImageToImage]
"""Submit a job of qwen2-1/image-to-image, once."""
qwen2_1_text_to_image: ModelTask[models.Qwen21TextToImage]
"""Submit a job of qwen2-1/text-to-image, once."""
qwen2_image_edit: ModelTask[models.Qwen2ImageEdit]
"""Submit a job of qwen2/image-edit, once."""
qwen2_text_to_image: ModelTask[models.Qwen2TextToImage]
"""Submit a job of qwen2/text-to-image, once."""
qwen3_image_to_image: ModelTask[models.Qwen3ImageToImage]
"""Submit a job of qwen3/image-to-image, once."""
qwen3_pro_image_to_image: ModelTask[models.Qwen3ProImageToImage]
"""Submit a job of qwen3/pro-image-to-image, once."""
qwen3_pro_text_to_image: ModelTask[models.Qwen3ProTextToImage]
"""Submit a job of qwen3/pro-text-to-image, once."""
qwen3_text_to_image: ModelTask[models.Qwen3TextToImage]
"""Submit a job of qwen3/text-to-image, once."""
qwen_image_edit: ModelTask[models.QwenImageEdit]
"""Submit a job of qwen/image-edit, once."""
qwen_image_to_image: ModelTask[models.QwenImageToImage]
"""Submit a job of qwen/image-to-image, once."""
qwen_text_to_image: ModelTask[models.QwenTextToImage]
"""Submit a job of qwen/text-to-image, once."""
recraft_crisp_upscale: ModelTask[models.RecraftCrispUpscale]
"""Submit a job of recraft/crisp-upscale, once."""
recraft_remove_background: ModelTask[models.RecraftRemoveBackground]
"""Submit a job of recraft/remove-background, once."""
runway: ModelTask[models.Runway]
"""Submit a job of runway, once."""
runway_extend_ai_video: ModelTask[models.RunwayExtendAiVideo]
"""Submit a job of runway/extend-ai-video, once."""
seedance_1_0_lite_image_to_video: ModelTask[models.Seedance10LiteImageToVideo]
"""Submit a job of bytedance/v1-lite-image-to-video, once."""
seedance_1_0_lite_text_to_video: ModelTask[models.Seedance10LiteTextToVideo]
"""Submit a job of bytedance/v1-lite-text-to-video, once."""
seedance_1_0_pro_fast_image_to_video: ModelTask[models.Seedance10ProFastImageToVideo]
"""Submit a job of bytedance/v1-pro-fast-image-to-video, once."""
seedance_1_0_pro_image_to_video: ModelTask[models.Seedance10ProImageToVideo]
"""Submit a job of bytedance/v1-pro-image-to-video, once."""
seedance_1_0_pro_text_to_video: ModelTask[models.Seedance10ProTextToVideo]
"""Submit a job of bytedance/v1-pro-text-to-video, once."""
seedance_1_5_pro: ModelTask[models.Seedance15Pro]
"""Submit a job of bytedance/seedance-1.5-pro, once."""
seedance_2: ModelTask[models.Seedance2]
"""Submit a job of bytedance/seedance-2, once."""
seedance_2_5: ModelTask[models.Seedance25]
"""Submit a job of bytedance/seedance-2-5, once."""
seedance_2_fast: ModelTask[models.Seedance2Fast]
"""Submit a job of bytedance/seedance-2-fast, once."""
seedance_2_mini: ModelTask[models.Seedance2Mini]
"""Submit a job of bytedance/seedance-2-mini, once."""
seedream: ModelTask[models.Seedream]
"""Submit a job of bytedance/seedream, once."""
seedream_4_5_edit: ModelTask[models.Seedream45Edit]
"""Submit a job of seedream/4.5-edit, once."""
seedream_4_5_text_to_image: ModelTask[models.Seedream45TextToImage]
"""Submit a job of seedream/4.5-text-to-image, once."""
seedream_5_flash_image_to_image: ModelTask[models.Seedream5FlashImageToImage]
"""Submit a job of seedream/5-flash-image-to-image, once."""
seedream_5_flash_layer_decomposition: ModelTask[models.Seedream5FlashLayerDecomposition]
"""Submit a job of seedream/5-flash-layer-decomposition, once."""
seedream_5_flash_text_to_image: ModelTask[models.Seedream5FlashTextToImage]
"""Submit a job of seedream/5-flash-text-to-image, once."""
seedream_5_lite_image_to_image: ModelTask[models.Seedream5LiteImageToImage]
"""Submit a job of seedream/5-lite-image-to-image, once."""
seedream_5_lite_text_to_image: ModelTask[models.Seedream5LiteTextToImage]
"""Submit a job of seedream/5-lite-text-to-image, once."""
seedream_5_pro_image_to_image: ModelTask[models.Seedream5ProImageToImage]
"""Submit a job of seedream/5-pro-image-to-image, once."""
seedream_5_pro_layer_decomposition: ModelTask[models.Seedream5ProLayerDecomposition]
"""Submit a job of seedream/5-pro-layer-decomposition, once."""
seedream_5_pro_text_to_image: ModelTask[models.Seedream5ProTextToImage]
"""Submit a job of seedream/5-pro-text-to-image, once."""
seedream_v4_edit: ModelTask[models.SeedreamV4Edit]
"""Submit a job of bytedance/seedream-v4-edit, once."""
seedream_v4_text_to_image: ModelTask[models.SeedreamV4TextToImage]
"""Submit a job of bytedance/seedream-v4-text-to-image, once."""
sora_2_characters: ModelTask[models.Sora2Characters]
"""Submit a job of sora-2-characters, once."""
sora_2_characters_pro: ModelTask[models.Sora2CharactersPro]
"""Submit a job of sora-2-characters-pro, once."""
sora_2_image_to_video: ModelTask[models.Sora2ImageToVideo]
"""Submit a job of sora-2-image-to-video, once."""
sora_2_image_to_video_stable: ModelTask[models.Sora2ImageToVideoStable]
"""Submit a job of sora-2-image-to-video-stable, once."""
sora_2_pro_image_to_video: ModelTask[models.Sora2ProImageToVideo]
"""Submit a job of sora-2-pro-image-to-video, once."""
sora_2_pro_storyboard: ModelTask[models.Sora2ProStoryboard]
"""Submit a job of sora-2-pro-storyboard, once."""
sora_2_pro_text_to_video: ModelTask[models.Sora2ProTextToVideo]
"""Submit a job of sora-2-pro-text-to-video, once."""
sora_2_text_to_video: ModelTask[models.Sora2TextToVideo]
"""Submit a job of sora-2-text-to-video, once."""
sora_2_text_to_video_stable: ModelTask[models.Sora2TextToVideoStable]
"""Submit a job of sora-2-text-to-video-stable, once."""
sora_watermark_remover: ModelTask[models.SoraWatermarkRemover]
"""Submit a job of sora-watermark-remover, once."""
suno_add_instrumental: ModelTask[models.SunoAddInstrumental]
"""Submit a job of ai-music-api/add-instrumental, once."""
suno_add_vocals: ModelTask[models.SunoAddVocals]
"""Submit a job of ai-music-api/add-vocals, once."""
suno_boost_music_style: ModelTask[models.SunoBoostMusicStyle]
"""Submit a job of ai-music-api/boost-music-style, once."""
suno_check_voice: ModelTask[models.SunoCheckVoice]
"""Submit a job of ai-music-api/check-voice, once."""
suno_convert_to_wav_format: ModelTask[models.SunoConvertToWavFormat]
"""Submit a job of ai-music-api/convert-to-wav-format, once."""
suno_cover_generate: ModelTask[models.SunoCoverGenerate]
"""Submit a job of ai-music-api/cover-generate, once."""
suno_create_music_video: ModelTask[models.SunoCreateMusicVideo]
"""Submit a job of ai-music-api/create-music-video, once."""
suno_create_voice: ModelTask[models.SunoCreateVoice]
"""Submit a job of ai-music-api/create-voice, once."""
suno_extend: ModelTask[models.SunoExtend]
"""Submit a job of ai-music-api/extend, once."""
suno_generate: ModelTask[models.SunoGenerate]
"""Submit a job of ai-music-api/generate, once."""
suno_generate_lyrics: ModelTask[models.SunoGenerateLyrics]
"""Submit a job of ai-music-api/generate-lyrics, once."""
suno_generate_midi_from_audio: ModelTask[models.SunoGenerateMidiFromAudio]
"""Submit a job of ai-music-api/generate-midi-from-audio, once."""
suno_generate_persona: ModelTask[models.SunoGeneratePersona]
"""Submit a job of ai-music-api/generate-persona, once."""
suno_mashup: ModelTask[models.SunoMashup]
"""Submit a job of ai-music-api/mashup, once."""
suno_recovery_audio: ModelTask[models.SunoRecoveryAudio]
"""Submit a job of ai-music-api/suno-recovery-audio, once."""
suno_regenerate_phrase: ModelTask[models.SunoRegeneratePhrase]
"""Submit a job of ai-music-api/regenerate-phrase, once."""
suno_replace_section: ModelTask[models.SunoReplaceSection]
"""Submit a job of ai-music-api/replace-section, once."""
suno_separate_vocals: ModelTask[models.SunoSeparateVocals]
"""Submit a job of ai-music-api/separate-vocals, once."""
suno_sounds: ModelTask[models.SunoSounds]
"""Submit a job of ai-music-api/sounds, once."""
suno_timestamped_lyrics: ModelTask[models.SunoTimestampedLyrics]
"""Submit a job of ai-music-api/timeStamped-lyrics, once."""
suno_upload_and_cover_audio: ModelTask[models.SunoUploadAndCoverAudio]
"""Submit a job of ai-music-api/upload-and-cover-audio, once."""
suno_upload_and_extend_audio: ModelTask[models.SunoUploadAndExtendAudio]
"""Submit a job of ai-music-api/upload-and-extend-audio, once."""
suno_validation_phrase: ModelTask[models.SunoValidationPhrase]
"""Submit a job of ai-music-api/validation-phrase, once."""
topaz_image_upscale: ModelTask[models.TopazImageUpscale]
"""Submit a job of topaz/image-upscale, once."""
topaz_video_upscale: ModelTask[models.TopazVideoUpscale]
"""Submit a job of topaz/video-upscale, once."""
veo_3_1: ModelTask[models.Veo31]
"""Submit a job of veo-3-1, once."""
veo_extend: ModelTask[models.VeoExtend]
"""Submit a job of veo/extend, once."""
veo_get_1080p_video: ModelTask[models.VeoGet1080pVideo]
"""Submit a job of veo/get-1080p-video, once."""
veo_get_4k_video: ModelTask[models.VeoGet4kVideo]
"""Submit a job of veo/get-4k-video, once."""
volcengine_video_to_video_lip_sync: ModelTask[models.VolcengineVideoToVideoLipSync]
"""Submit a job of volcengine/video-to-video-lip-sync, once."""
wan_2_2_a14b_image_to_video_turbo: ModelTask[models.Wan22A14bImageToVideoTurbo]
"""Submit a job of wan/2-2-a14b-image-to-video-turbo, once."""
wan_2_2_a14b_speech_to_video_turbo: ModelTask[models.Wan22A14bSpeechToVideoTurbo]
"""Submit a job of wan/2-2-a14b-speech-to-video-turbo, once."""
wan_2_2_a14b_text_to_video_turbo: ModelTask[models.Wan22A14bTextToVideoTurbo]
"""Submit a job of wan/2-2-a14b-text-to-video-turbo, once."""
wan_2_2_animate_move: ModelTask[models.Wan22AnimateMove]
"""Submit a job of wan/2-2-animate-move, once."""
wan_2_2_animate_replace: ModelTask[models.Wan22AnimateReplace]
"""Submit a job of wan/2-2-animate-replace, once."""
wan_2_5_image_to_video: ModelTask[models.Wan25ImageToVideo]
"""Submit a job of wan/2-5-image-to-video, once."""
wan_2_5_text_to_video: ModelTask[models.Wan25TextToVideo]
"""Submit a job of wan/2-5-text-to-video, once."""
wan_2_6_image_to_video: ModelTask[models.Wan26ImageToVideo]
"""Submit a job of wan/2-6-image-to-video, once."""
wan_2_6_text_to_video: ModelTask[models.Wan26TextToVideo]
"""Submit a job of wan/2-6-text-to-video, once."""
wan_2_6_video_to_video: ModelTask[models.Wan26VideoToVideo]
"""Submit a job of wan/2-6-video-to-video, once."""
wan_2_7_image: ModelTask[models.Wan27Image]
"""Submit a job of wan/2-7-image, once."""
wan_2_7_image_pro: ModelTask[models.Wan27ImagePro]
"""Submit a job of wan/2-7-image-pro, once."""
wan_2_7_image_to_video: ModelTask[models.Wan27ImageToVideo]
"""Submit a job of wan/2-7-image-to-video, once."""
wan_2_7_r2v: ModelTask[models.Wan27R2v]
"""Submit a job of wan/2-7-r2v, once."""
wan_2_7_text_to_video: ModelTask[models.Wan27TextToVideo]
"""Submit a job of wan/2-7-text-to-video, once."""
wan_2_7_videoedit: ModelTask[models.Wan27Videoedit]
"""Submit a job of wan/2-7-videoedit, once."""
wan_3_0_video: ModelTask[models.Wan30Video]
"""Submit a job of wan/3-0-video, once."""
wan_3_0_video_prime: ModelTask[models.Wan30VideoPrime]
"""Submit a job of wan/3-0-video-prime, once."""
z_image: ModelTask[models.ZImage]
"""Submit a job of z-image, once."""
