"""Where each model's request is.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Known(NamedTuple):
    """The module of a model here, the class of its request, and the name of its task."""

    module: str
    class_name: str
    task: str


MODELS: Mapping[str, Known] = {
    "4o-image-api": Known("gpt_image", "Gpt4oImage", "gpt_4o_image"),
    "ai-music-api/add-instrumental": Known("suno", "SunoAddInstrumental", "suno_add_instrumental"),
    "ai-music-api/add-vocals": Known("suno", "SunoAddVocals", "suno_add_vocals"),
    "ai-music-api/boost-music-style": Known("suno", "SunoBoostMusicStyle", "suno_boost_music_style"),
    "ai-music-api/check-voice": Known("suno", "SunoCheckVoice", "suno_check_voice"),
    "ai-music-api/convert-to-wav-format": Known(
        "suno", "SunoConvertToWavFormat", "suno_convert_to_wav_format"
    ),
    "ai-music-api/cover-generate": Known("suno", "SunoCoverGenerate", "suno_cover_generate"),
    "ai-music-api/create-music-video": Known("suno", "SunoCreateMusicVideo", "suno_create_music_video"),
    "ai-music-api/create-voice": Known("suno", "SunoCreateVoice", "suno_create_voice"),
    "ai-music-api/extend": Known("suno", "SunoExtend", "suno_extend"),
    "ai-music-api/generate": Known("suno", "SunoGenerate", "suno_generate"),
    "ai-music-api/generate-lyrics": Known("suno", "SunoGenerateLyrics", "suno_generate_lyrics"),
    "ai-music-api/generate-midi-from-audio": Known(
        "suno", "SunoGenerateMidiFromAudio", "suno_generate_midi_from_audio"
    ),
    "ai-music-api/generate-persona": Known("suno", "SunoGeneratePersona", "suno_generate_persona"),
    "ai-music-api/mashup": Known("suno", "SunoMashup", "suno_mashup"),
    "ai-music-api/regenerate-phrase": Known("suno", "SunoRegeneratePhrase", "suno_regenerate_phrase"),
    "ai-music-api/replace-section": Known("suno", "SunoReplaceSection", "suno_replace_section"),
    "ai-music-api/separate-vocals": Known("suno", "SunoSeparateVocals", "suno_separate_vocals"),
    "ai-music-api/sounds": Known("suno", "SunoSounds", "suno_sounds"),
    "ai-music-api/suno-recovery-audio": Known("suno", "SunoRecoveryAudio", "suno_recovery_audio"),
    "ai-music-api/timeStamped-lyrics": Known("suno", "SunoTimestampedLyrics", "suno_timestamped_lyrics"),
    "ai-music-api/upload-and-cover-audio": Known(
        "suno", "SunoUploadAndCoverAudio", "suno_upload_and_cover_audio"
    ),
    "ai-music-api/upload-and-extend-audio": Known(
        "suno", "SunoUploadAndExtendAudio", "suno_upload_and_extend_audio"
    ),
    "ai-music-api/validation-phrase": Known("suno", "SunoValidationPhrase", "suno_validation_phrase"),
    "bytedance/seedance-1.5-pro": Known("seedance", "Seedance15Pro", "seedance_1_5_pro"),
    "bytedance/seedance-2": Known("seedance", "Seedance2", "seedance_2"),
    "bytedance/seedance-2-5": Known("seedance", "Seedance25", "seedance_2_5"),
    "bytedance/seedance-2-fast": Known("seedance", "Seedance2Fast", "seedance_2_fast"),
    "bytedance/seedance-2-mini": Known("seedance", "Seedance2Mini", "seedance_2_mini"),
    "bytedance/seedream": Known("seedream", "Seedream", "seedream"),
    "bytedance/seedream-v4-edit": Known("seedream", "SeedreamV4Edit", "seedream_v4_edit"),
    "bytedance/seedream-v4-text-to-image": Known(
        "seedream", "SeedreamV4TextToImage", "seedream_v4_text_to_image"
    ),
    "bytedance/v1-lite-image-to-video": Known(
        "seedance", "Seedance10LiteImageToVideo", "seedance_1_0_lite_image_to_video"
    ),
    "bytedance/v1-lite-text-to-video": Known(
        "seedance", "Seedance10LiteTextToVideo", "seedance_1_0_lite_text_to_video"
    ),
    "bytedance/v1-pro-fast-image-to-video": Known(
        "seedance", "Seedance10ProFastImageToVideo", "seedance_1_0_pro_fast_image_to_video"
    ),
    "bytedance/v1-pro-image-to-video": Known(
        "seedance", "Seedance10ProImageToVideo", "seedance_1_0_pro_image_to_video"
    ),
    "bytedance/v1-pro-text-to-video": Known(
        "seedance", "Seedance10ProTextToVideo", "seedance_1_0_pro_text_to_video"
    ),
    "elevenlabs/text-to-dialogue-v3": Known(
        "elevenlabs", "ElevenlabsTextToDialogueV3", "elevenlabs_text_to_dialogue_v3"
    ),
    "elevenlabs/text-to-speech-multilingual-v2": Known(
        "elevenlabs", "ElevenlabsTextToSpeechMultilingualV2", "elevenlabs_text_to_speech_multilingual_v2"
    ),
    "elevenlabs/text-to-speech-turbo-2-5": Known(
        "elevenlabs", "ElevenlabsTextToSpeechTurbo25", "elevenlabs_text_to_speech_turbo_2_5"
    ),
    "flux-2/flex-image-to-image": Known("flux", "Flux2FlexImageToImage", "flux_2_flex_image_to_image"),
    "flux-2/flex-text-to-image": Known("flux", "Flux2FlexTextToImage", "flux_2_flex_text_to_image"),
    "flux-2/pro-image-to-image": Known("flux", "Flux2ProImageToImage", "flux_2_pro_image_to_image"),
    "flux-2/pro-text-to-image": Known("flux", "Flux2ProTextToImage", "flux_2_pro_text_to_image"),
    "flux1-kontext": Known("flux", "Flux1Kontext", "flux1_kontext"),
    "gemini-omni-video": Known("gemini_omni", "GeminiOmniVideo", "gemini_omni_video"),
    "google/gemini-2-5-pro-tts": Known("gemini_tts", "Gemini25ProTts", "gemini_2_5_pro_tts"),
    "google/gemini-3-1-flash-tts": Known("gemini_tts", "Gemini31FlashTts", "gemini_3_1_flash_tts"),
    "google/gemini-3-8-flash-lite-tts": Known(
        "gemini_tts", "Gemini38FlashLiteTts", "gemini_3_8_flash_lite_tts"
    ),
    "google/gemini-3-8-flash-tts": Known("gemini_tts", "Gemini38FlashTts", "gemini_3_8_flash_tts"),
    "google/gemini-omni-flash-1-1": Known("gemini_omni", "GeminiOmniFlash11", "gemini_omni_flash_1_1"),
    "google/imagen4": Known("imagen", "Imagen4", "imagen4"),
    "google/imagen4-fast": Known("imagen", "Imagen4Fast", "imagen4_fast"),
    "google/imagen4-ultra": Known("imagen", "Imagen4Ultra", "imagen4_ultra"),
    "google/nano-banana": Known("nano_banana", "NanoBanana", "nano_banana"),
    "google/nano-banana-edit": Known("nano_banana", "NanoBananaEdit", "nano_banana_edit"),
    "gpt-image-2-5-flare-image-to-image": Known(
        "gpt_image", "GptImage25FlareImageToImage", "gpt_image_2_5_flare_image_to_image"
    ),
    "gpt-image-2-5-flare-text-to-image": Known(
        "gpt_image", "GptImage25FlareTextToImage", "gpt_image_2_5_flare_text_to_image"
    ),
    "gpt-image-2-5-sunburst-image-to-image": Known(
        "gpt_image", "GptImage25SunburstImageToImage", "gpt_image_2_5_sunburst_image_to_image"
    ),
    "gpt-image-2-5-sunburst-text-to-image": Known(
        "gpt_image", "GptImage25SunburstTextToImage", "gpt_image_2_5_sunburst_text_to_image"
    ),
    "gpt-image-2-image-to-image": Known("gpt_image", "GptImage2ImageToImage", "gpt_image_2_image_to_image"),
    "gpt-image-2-text-to-image": Known("gpt_image", "GptImage2TextToImage", "gpt_image_2_text_to_image"),
    "gpt-image/1.5-image-to-image": Known(
        "gpt_image", "GptImage15ImageToImage", "gpt_image_1_5_image_to_image"
    ),
    "gpt-image/1.5-text-to-image": Known("gpt_image", "GptImage15TextToImage", "gpt_image_1_5_text_to_image"),
    "grok-imagine-image-2-0/image-edit": Known(
        "grok_imagine", "GrokImagineImage20ImageEdit", "grok_imagine_image_2_0_image_edit"
    ),
    "grok-imagine-image-2-0/segment-edit": Known(
        "grok_imagine", "GrokImagineImage20SegmentEdit", "grok_imagine_image_2_0_segment_edit"
    ),
    "grok-imagine-image-2-0/segment-map": Known(
        "grok_imagine", "GrokImagineImage20SegmentMap", "grok_imagine_image_2_0_segment_map"
    ),
    "grok-imagine-image-2-0/text-to-image": Known(
        "grok_imagine", "GrokImagineImage20TextToImage", "grok_imagine_image_2_0_text_to_image"
    ),
    "grok-imagine-video-1-5-preview": Known(
        "grok_imagine", "GrokImagineVideo15Preview", "grok_imagine_video_1_5_preview"
    ),
    "grok-imagine/extend": Known("grok_imagine", "GrokImagineExtend", "grok_imagine_extend"),
    "grok-imagine/image-to-image": Known(
        "grok_imagine", "GrokImagineImageToImage", "grok_imagine_image_to_image"
    ),
    "grok-imagine/image-to-video": Known(
        "grok_imagine", "GrokImagineImageToVideo", "grok_imagine_image_to_video"
    ),
    "grok-imagine/text-to-image": Known(
        "grok_imagine", "GrokImagineTextToImage", "grok_imagine_text_to_image"
    ),
    "grok-imagine/text-to-video": Known(
        "grok_imagine", "GrokImagineTextToVideo", "grok_imagine_text_to_video"
    ),
    "grok-imagine/upscale": Known("grok_imagine", "GrokImagineUpscale", "grok_imagine_upscale"),
    "hailuo/02-image-to-video-pro": Known(
        "hailuo", "Hailuo02ImageToVideoPro", "hailuo_02_image_to_video_pro"
    ),
    "hailuo/02-image-to-video-standard": Known(
        "hailuo", "Hailuo02ImageToVideoStandard", "hailuo_02_image_to_video_standard"
    ),
    "hailuo/02-text-to-video-pro": Known("hailuo", "Hailuo02TextToVideoPro", "hailuo_02_text_to_video_pro"),
    "hailuo/02-text-to-video-standard": Known(
        "hailuo", "Hailuo02TextToVideoStandard", "hailuo_02_text_to_video_standard"
    ),
    "hailuo/2-3-image-to-video-pro": Known(
        "hailuo", "Hailuo23ImageToVideoPro", "hailuo_2_3_image_to_video_pro"
    ),
    "hailuo/2-3-image-to-video-standard": Known(
        "hailuo", "Hailuo23ImageToVideoStandard", "hailuo_2_3_image_to_video_standard"
    ),
    "happyhorse-1-1/image-to-video": Known(
        "happyhorse", "Happyhorse11ImageToVideo", "happyhorse_1_1_image_to_video"
    ),
    "happyhorse-1-1/reference-to-video": Known(
        "happyhorse", "Happyhorse11ReferenceToVideo", "happyhorse_1_1_reference_to_video"
    ),
    "happyhorse-1-1/text-to-video": Known(
        "happyhorse", "Happyhorse11TextToVideo", "happyhorse_1_1_text_to_video"
    ),
    "happyhorse/image-to-video": Known("happyhorse", "HappyhorseImageToVideo", "happyhorse_image_to_video"),
    "happyhorse/reference-to-video": Known(
        "happyhorse", "HappyhorseReferenceToVideo", "happyhorse_reference_to_video"
    ),
    "happyhorse/text-to-video": Known("happyhorse", "HappyhorseTextToVideo", "happyhorse_text_to_video"),
    "happyhorse/video-edit": Known("happyhorse", "HappyhorseVideoEdit", "happyhorse_video_edit"),
    "ideogram/character": Known("ideogram", "IdeogramCharacter", "ideogram_character"),
    "ideogram/character-edit": Known("ideogram", "IdeogramCharacterEdit", "ideogram_character_edit"),
    "ideogram/character-remix": Known("ideogram", "IdeogramCharacterRemix", "ideogram_character_remix"),
    "ideogram/v3-edit": Known("ideogram", "IdeogramV3Edit", "ideogram_v3_edit"),
    "ideogram/v3-remix": Known("ideogram", "IdeogramV3Remix", "ideogram_v3_remix"),
    "ideogram/v3-text-to-image": Known("ideogram", "IdeogramV3TextToImage", "ideogram_v3_text_to_image"),
    "infinitalk/from-audio": Known("infinitalk", "InfinitalkFromAudio", "infinitalk_from_audio"),
    "kling-2.6/image-to-video": Known("kling", "Kling26ImageToVideo", "kling_2_6_image_to_video"),
    "kling-2.6/motion-control": Known("kling", "Kling26MotionControl", "kling_2_6_motion_control"),
    "kling-2.6/text-to-video": Known("kling", "Kling26TextToVideo", "kling_2_6_text_to_video"),
    "kling-3.0-omni/image-to-video": Known(
        "kling", "Kling30OmniImageToVideo", "kling_3_0_omni_image_to_video"
    ),
    "kling-3.0-omni/reference-to-video": Known(
        "kling", "Kling30OmniReferenceToVideo", "kling_3_0_omni_reference_to_video"
    ),
    "kling-3.0-omni/text-to-video": Known("kling", "Kling30OmniTextToVideo", "kling_3_0_omni_text_to_video"),
    "kling-3.0-omni/transformation": Known(
        "kling", "Kling30OmniTransformation", "kling_3_0_omni_transformation"
    ),
    "kling-3.0/motion-control": Known("kling", "Kling30MotionControl", "kling_3_0_motion_control"),
    "kling-3.0/video": Known("kling", "Kling30Video", "kling_3_0_video"),
    "kling/ai-avatar-pro": Known("kling", "KlingAiAvatarPro", "kling_ai_avatar_pro"),
    "kling/ai-avatar-standard": Known("kling", "KlingAiAvatarStandard", "kling_ai_avatar_standard"),
    "kling/v2-1-master-image-to-video": Known(
        "kling", "KlingV21MasterImageToVideo", "kling_v2_1_master_image_to_video"
    ),
    "kling/v2-1-master-text-to-video": Known(
        "kling", "KlingV21MasterTextToVideo", "kling_v2_1_master_text_to_video"
    ),
    "kling/v2-1-pro": Known("kling", "KlingV21Pro", "kling_v2_1_pro"),
    "kling/v2-1-standard": Known("kling", "KlingV21Standard", "kling_v2_1_standard"),
    "kling/v2-5-turbo-image-to-video-pro": Known(
        "kling", "KlingV25TurboImageToVideoPro", "kling_v2_5_turbo_image_to_video_pro"
    ),
    "kling/v2-5-turbo-text-to-video-pro": Known(
        "kling", "KlingV25TurboTextToVideoPro", "kling_v2_5_turbo_text_to_video_pro"
    ),
    "kling/v3-turbo-image-to-video": Known(
        "kling", "KlingV3TurboImageToVideo", "kling_v3_turbo_image_to_video"
    ),
    "kling/v3-turbo-text-to-video": Known("kling", "KlingV3TurboTextToVideo", "kling_v3_turbo_text_to_video"),
    "minimax-h3/image-to-video": Known("hailuo", "MinimaxH3ImageToVideo", "minimax_h3_image_to_video"),
    "minimax-h3/reference-to-video": Known(
        "hailuo", "MinimaxH3ReferenceToVideo", "minimax_h3_reference_to_video"
    ),
    "minimax-h3/text-to-video": Known("hailuo", "MinimaxH3TextToVideo", "minimax_h3_text_to_video"),
    "nano-banana-2": Known("nano_banana", "NanoBanana2", "nano_banana_2"),
    "nano-banana-2-lite": Known("nano_banana", "NanoBanana2Lite", "nano_banana_2_lite"),
    "nano-banana-pro": Known("nano_banana", "NanoBananaPro", "nano_banana_pro"),
    "omnihuman-1-5": Known("omnihuman", "Omnihuman15", "omnihuman_1_5"),
    "omnihuman-1-5/human-identification": Known(
        "omnihuman", "Omnihuman15HumanIdentification", "omnihuman_1_5_human_identification"
    ),
    "omnihuman-1-5/subject-detection": Known(
        "omnihuman", "Omnihuman15SubjectDetection", "omnihuman_1_5_subject_detection"
    ),
    "pixverse-v6/extend": Known("pixverse", "PixverseV6Extend", "pixverse_v6_extend"),
    "pixverse-v6/image-to-video": Known("pixverse", "PixverseV6ImageToVideo", "pixverse_v6_image_to_video"),
    "pixverse-v6/reference-to-video": Known(
        "pixverse", "PixverseV6ReferenceToVideo", "pixverse_v6_reference_to_video"
    ),
    "pixverse-v6/text-to-video": Known("pixverse", "PixverseV6TextToVideo", "pixverse_v6_text_to_video"),
    "pixverse-v6/transition": Known("pixverse", "PixverseV6Transition", "pixverse_v6_transition"),
    "qwen/image-edit": Known("qwen_image", "QwenImageEdit", "qwen_image_edit"),
    "qwen/image-to-image": Known("qwen_image", "QwenImageToImage", "qwen_image_to_image"),
    "qwen/text-to-image": Known("qwen_image", "QwenTextToImage", "qwen_text_to_image"),
    "qwen2-1/image-to-image": Known("qwen_image", "Qwen21ImageToImage", "qwen2_1_image_to_image"),
    "qwen2-1/text-to-image": Known("qwen_image", "Qwen21TextToImage", "qwen2_1_text_to_image"),
    "qwen2/image-edit": Known("qwen_image", "Qwen2ImageEdit", "qwen2_image_edit"),
    "qwen2/text-to-image": Known("qwen_image", "Qwen2TextToImage", "qwen2_text_to_image"),
    "qwen3/image-to-image": Known("qwen_image", "Qwen3ImageToImage", "qwen3_image_to_image"),
    "qwen3/pro-image-to-image": Known("qwen_image", "Qwen3ProImageToImage", "qwen3_pro_image_to_image"),
    "qwen3/pro-text-to-image": Known("qwen_image", "Qwen3ProTextToImage", "qwen3_pro_text_to_image"),
    "qwen3/text-to-image": Known("qwen_image", "Qwen3TextToImage", "qwen3_text_to_image"),
    "recraft/crisp-upscale": Known("recraft", "RecraftCrispUpscale", "recraft_crisp_upscale"),
    "recraft/remove-background": Known("recraft", "RecraftRemoveBackground", "recraft_remove_background"),
    "runway": Known("runway", "Runway", "runway"),
    "runway/extend-ai-video": Known("runway", "RunwayExtendAiVideo", "runway_extend_ai_video"),
    "seedream/4.5-edit": Known("seedream", "Seedream45Edit", "seedream_4_5_edit"),
    "seedream/4.5-text-to-image": Known("seedream", "Seedream45TextToImage", "seedream_4_5_text_to_image"),
    "seedream/5-flash-image-to-image": Known(
        "seedream", "Seedream5FlashImageToImage", "seedream_5_flash_image_to_image"
    ),
    "seedream/5-flash-layer-decomposition": Known(
        "seedream", "Seedream5FlashLayerDecomposition", "seedream_5_flash_layer_decomposition"
    ),
    "seedream/5-flash-text-to-image": Known(
        "seedream", "Seedream5FlashTextToImage", "seedream_5_flash_text_to_image"
    ),
    "seedream/5-lite-image-to-image": Known(
        "seedream", "Seedream5LiteImageToImage", "seedream_5_lite_image_to_image"
    ),
    "seedream/5-lite-text-to-image": Known(
        "seedream", "Seedream5LiteTextToImage", "seedream_5_lite_text_to_image"
    ),
    "seedream/5-pro-image-to-image": Known(
        "seedream", "Seedream5ProImageToImage", "seedream_5_pro_image_to_image"
    ),
    "seedream/5-pro-layer-decomposition": Known(
        "seedream", "Seedream5ProLayerDecomposition", "seedream_5_pro_layer_decomposition"
    ),
    "seedream/5-pro-text-to-image": Known(
        "seedream", "Seedream5ProTextToImage", "seedream_5_pro_text_to_image"
    ),
    "sora-2-characters": Known("sora", "Sora2Characters", "sora_2_characters"),
    "sora-2-characters-pro": Known("sora", "Sora2CharactersPro", "sora_2_characters_pro"),
    "sora-2-image-to-video": Known("sora", "Sora2ImageToVideo", "sora_2_image_to_video"),
    "sora-2-image-to-video-stable": Known("sora", "Sora2ImageToVideoStable", "sora_2_image_to_video_stable"),
    "sora-2-pro-image-to-video": Known("sora", "Sora2ProImageToVideo", "sora_2_pro_image_to_video"),
    "sora-2-pro-storyboard": Known("sora", "Sora2ProStoryboard", "sora_2_pro_storyboard"),
    "sora-2-pro-text-to-video": Known("sora", "Sora2ProTextToVideo", "sora_2_pro_text_to_video"),
    "sora-2-text-to-video": Known("sora", "Sora2TextToVideo", "sora_2_text_to_video"),
    "sora-2-text-to-video-stable": Known("sora", "Sora2TextToVideoStable", "sora_2_text_to_video_stable"),
    "sora-watermark-remover": Known("sora", "SoraWatermarkRemover", "sora_watermark_remover"),
    "topaz/image-upscale": Known("topaz", "TopazImageUpscale", "topaz_image_upscale"),
    "topaz/video-upscale": Known("topaz", "TopazVideoUpscale", "topaz_video_upscale"),
    "veo-3-1": Known("veo", "Veo31", "veo_3_1"),
    "veo/extend": Known("veo", "VeoExtend", "veo_extend"),
    "veo/get-1080p-video": Known("veo", "VeoGet1080pVideo", "veo_get_1080p_video"),
    "veo/get-4k-video": Known("veo", "VeoGet4kVideo", "veo_get_4k_video"),
    "volcengine/video-to-video-lip-sync": Known(
        "volcengine", "VolcengineVideoToVideoLipSync", "volcengine_video_to_video_lip_sync"
    ),
    "wan/2-2-a14b-image-to-video-turbo": Known(
        "wan", "Wan22A14bImageToVideoTurbo", "wan_2_2_a14b_image_to_video_turbo"
    ),
    "wan/2-2-a14b-speech-to-video-turbo": Known(
        "wan", "Wan22A14bSpeechToVideoTurbo", "wan_2_2_a14b_speech_to_video_turbo"
    ),
    "wan/2-2-a14b-text-to-video-turbo": Known(
        "wan", "Wan22A14bTextToVideoTurbo", "wan_2_2_a14b_text_to_video_turbo"
    ),
    "wan/2-2-animate-move": Known("wan", "Wan22AnimateMove", "wan_2_2_animate_move"),
    "wan/2-2-animate-replace": Known("wan", "Wan22AnimateReplace", "wan_2_2_animate_replace"),
    "wan/2-5-image-to-video": Known("wan", "Wan25ImageToVideo", "wan_2_5_image_to_video"),
    "wan/2-5-text-to-video": Known("wan", "Wan25TextToVideo", "wan_2_5_text_to_video"),
    "wan/2-6-image-to-video": Known("wan", "Wan26ImageToVideo", "wan_2_6_image_to_video"),
    "wan/2-6-text-to-video": Known("wan", "Wan26TextToVideo", "wan_2_6_text_to_video"),
    "wan/2-6-video-to-video": Known("wan", "Wan26VideoToVideo", "wan_2_6_video_to_video"),
    "wan/2-7-image": Known("wan", "Wan27Image", "wan_2_7_image"),
    "wan/2-7-image-pro": Known("wan", "Wan27ImagePro", "wan_2_7_image_pro"),
    "wan/2-7-image-to-video": Known("wan", "Wan27ImageToVideo", "wan_2_7_image_to_video"),
    "wan/2-7-r2v": Known("wan", "Wan27R2v", "wan_2_7_r2v"),
    "wan/2-7-text-to-video": Known("wan", "Wan27TextToVideo", "wan_2_7_text_to_video"),
    "wan/2-7-videoedit": Known("wan", "Wan27Videoedit", "wan_2_7_videoedit"),
    "wan/3-0-video": Known("wan", "Wan30Video", "wan_3_0_video"),
    "wan/3-0-video-prime": Known("wan", "Wan30VideoPrime", "wan_3_0_video_prime"),
    "z-image": Known("z_image", "ZImage", "z_image"),
}
"""By the model's name at Kie."""

TABS: Mapping[str, tuple[str, ...]] = {
    "video": (
        "kling-3.0/video",
        "bytedance/seedance-2-5",
        "veo-3-1",
        "wan/3-0-video",
        "google/gemini-omni-flash-1-1",
        "minimax-h3/text-to-video",
        "happyhorse-1-1/text-to-video",
        "pixverse-v6/text-to-video",
        "grok-imagine/text-to-video",
        "runway",
    ),
    "image": (
        "nano-banana-pro",
        "nano-banana-2",
        "seedream/5-pro-text-to-image",
        "gpt-image-2-5-sunburst-text-to-image",
        "flux-2/pro-text-to-image",
        "qwen3/pro-text-to-image",
        "ideogram/v3-text-to-image",
        "wan/2-7-image-pro",
        "grok-imagine-image-2-0/text-to-image",
        "z-image",
    ),
    "audio": (
        "ai-music-api/generate",
        "ai-music-api/sounds",
        "elevenlabs/text-to-speech-multilingual-v2",
        "elevenlabs/text-to-speech-turbo-2-5",
        "elevenlabs/text-to-dialogue-v3",
        "google/gemini-3-8-flash-tts",
        "google/gemini-3-8-flash-lite-tts",
        "ai-music-api/upload-and-cover-audio",
    ),
}
"""The models that forms offer first, by what they make."""
