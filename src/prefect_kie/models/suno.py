"""Requests of the family suno.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
)
from prefect_kie.models.rules import CatalogRequest, Variant


class SunoAddInstrumental(CatalogRequest, title="ai-music-api/add-instrumental"):
    """An accompaniment for your recording of a voice (ai-music-api/add-instrumental)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0

    model: Literal["ai-music-api/add-instrumental"] = "ai-music-api/add-instrumental"
    upload_url: Address
    """The link to your recording."""
    track_title: Annotated[str, Field(min_length=1), NotBlank]
    """The title of the track."""
    tags: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """Styles and instruments for the music."""
    negative_tags: Annotated[str, Field(min_length=1, max_length=200), NotBlank]
    """Styles and instruments to keep out of the music."""
    lyrics: Annotated[str, Field(max_length=5000)] | None = None
    """The words to sing."""
    model_version: Literal["V4_5PLUS", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = "V6"
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""


class SunoAddVocals(CatalogRequest, title="ai-music-api/add-vocals"):
    """Singing for your instrumental recording (ai-music-api/add-vocals)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0

    model: Literal["ai-music-api/add-vocals"] = "ai-music-api/add-vocals"
    upload_url: Address
    """The link to your recording."""
    track_title: Annotated[str, Field(min_length=1), NotBlank]
    """The title of the track."""
    style: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """The style of the music, in words."""
    negative_tags: Annotated[str, Field(min_length=1, max_length=200), NotBlank]
    """Styles and instruments to keep out of the music."""
    prompt: str | None = None
    """What to make, in words."""
    lyrics: str | None = None
    """The words to sing."""
    model_version: Literal["V4_5PLUS", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = "V6"
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""


class SunoBoostMusicStyle(CatalogRequest, title="ai-music-api/boost-music-style"):
    """A fuller style description from a short one (ai-music-api/boost-music-style)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["ai-music-api/boost-music-style"] = "ai-music-api/boost-music-style"
    content: Annotated[str, Field(min_length=1), NotBlank]
    """The style to describe more fully, in words."""


class SunoCheckVoice(CatalogRequest, title="ai-music-api/check-voice"):
    """Whether a voice you created is ready to use (ai-music-api/check-voice)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["ai-music-api/check-voice"] = "ai-music-api/check-voice"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the create-voice task."""


class SunoConvertToWavFormat(CatalogRequest, title="ai-music-api/convert-to-wav-format"):
    """A track made at Kie as a WAV file (ai-music-api/convert-to-wav-format)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["ai-music-api/convert-to-wav-format"] = "ai-music-api/convert-to-wav-format"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""
    audio_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of one track, taken from the result of the task that made it."""


class SunoCoverGenerate(CatalogRequest, title="ai-music-api/cover-generate"):
    """Cover pictures for a track made at Kie (ai-music-api/cover-generate)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["ai-music-api/cover-generate"] = "ai-music-api/cover-generate"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""


class SunoCreateMusicVideo(CatalogRequest, title="ai-music-api/create-music-video"):
    """A video to go with a track made at Kie (ai-music-api/create-music-video)."""

    usual_seconds: ClassVar[float] = 120.0

    model: Literal["ai-music-api/create-music-video"] = "ai-music-api/create-music-video"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""
    audio_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of one track, taken from the result of the task that made it."""
    author: Annotated[str, Field(max_length=50)] | None = None
    """The artist's name to show in the video."""
    domain_name: Annotated[str, Field(max_length=50)] | None = None
    """The website or brand to show as a watermark in the video."""


class SunoCreateVoice(CatalogRequest, title="ai-music-api/create-voice"):
    """A voice for songs, from your reading of the validation phrase (ai-music-api/create-voice)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["ai-music-api/create-voice"] = "ai-music-api/create-voice"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the validation-phrase task."""
    verify_url: Address
    """The link to your recording of the validation phrase."""
    voice_name: str | None = None
    """The name of the voice."""
    description: str | None = None
    """What the voice is like, in words."""
    style: str | None = None
    """The style of singing the voice suits, in words."""
    singer_skill_level: Literal["beginner", "intermediate", "advanced", "professional"] = "beginner"
    """How well the recorded person sings."""


class SunoExtend(CatalogRequest, title="ai-music-api/extend"):
    """A track made at Kie, continued from a moment you choose (ai-music-api/extend)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"model_version"})

    model: Literal["ai-music-api/extend"] = "ai-music-api/extend"
    audio_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the track to continue."""
    model_version: Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = (
        "V6"
    )
    """The version of Suno, the same that made the track; V6 is current."""
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to make, in words."""
    lyrics: Annotated[str, Field(max_length=5000)] | None = None
    """The words to sing."""
    style: Annotated[str, Field(max_length=1000)] | None = None
    """The style of the music, in words."""
    track_title: Annotated[str, Field(max_length=100)] | None = None
    """The title of the track."""
    continue_at: Annotated[float, IsNumber] | None = None
    """Where to continue from, in seconds: above 0, below the track's length."""
    instrumental: bool = False
    """Makes music without singing."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoGenerate(CatalogRequest, title="Song"):
    """Songs or instrumental tracks from a description, or from lyrics, a style, and a title (ai-music-api/generate)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"custom_mode", "instrumental", "model_version"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("custom_mode=true", "needs", "style"),
        ("custom_mode=true", "needs", "track_title"),
    )

    model: Literal["ai-music-api/generate"] = "ai-music-api/generate"
    custom_mode: bool = False
    """Needs a style and a title, and, unless instrumental, words to sing."""
    instrumental: bool = False
    """Makes music without singing."""
    model_version: Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = (
        "V6"
    )
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to make, in words; in custom mode the words to sing."""
    lyrics: Annotated[str, Field(max_length=5000)] | None = None
    """The words to sing."""
    style: Annotated[str, Field(max_length=1000)] | None = None
    """The style of the music, in words."""
    track_title: Annotated[str, Field(max_length=80)] | None = None
    """The title of the track."""
    image_urls: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to the pictures to work from."""
    video_urls: Annotated[list[Address], Field(max_length=1)] | None = None
    """Links to the clips to work from."""
    audio_urls: list[Address] | None = None
    """Links to recordings for the song to follow."""
    duration: Annotated[int, Field(ge=10, le=360), IsNumber] = 20
    """Length of the result, in seconds."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoGenerateLyrics(CatalogRequest, title="ai-music-api/generate-lyrics"):
    """Song lyrics from a prompt (ai-music-api/generate-lyrics)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 15.0

    model: Literal["ai-music-api/generate-lyrics"] = "ai-music-api/generate-lyrics"
    prompt: Annotated[str, Field(min_length=1, max_length=200), NotBlank]
    """What the song is about, in words."""


class SunoGenerateMidiFromAudio(CatalogRequest, title="ai-music-api/generate-midi-from-audio"):
    """The notes of a separated track as MIDI data (ai-music-api/generate-midi-from-audio)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["ai-music-api/generate-midi-from-audio"] = "ai-music-api/generate-midi-from-audio"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of a finished separate-vocals task."""
    audio_id: str | None = None
    """The ID of one separated track; leave it out for all of them."""


class SunoGeneratePersona(CatalogRequest, title="ai-music-api/generate-persona"):
    """A persona from a track, to sing or style later songs the same way (ai-music-api/generate-persona)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 15.0

    model: Literal["ai-music-api/generate-persona"] = "ai-music-api/generate-persona"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""
    audio_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of one track, taken from the result of the task that made it."""
    name: Annotated[str, Field(min_length=1), NotBlank]
    """The name of the persona."""
    description: Annotated[str, Field(min_length=1), NotBlank]
    """What the persona is like, in words."""
    vocal_start: Annotated[float, IsNumber] = 0
    """Where the sample of the voice starts, in seconds."""
    vocal_end: Annotated[float, IsNumber] = 30
    """Where the sample of the voice ends, in seconds."""
    style: str | None = None
    """The style the persona stands for, in words."""


class SunoMashup(CatalogRequest, title="ai-music-api/mashup"):
    """One track made of two of your recordings (ai-music-api/mashup)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"model_version"})

    model: Literal["ai-music-api/mashup"] = "ai-music-api/mashup"
    upload_url_list: Annotated[list[Address], Field(min_length=2, max_length=2)]
    """Links to the two recordings to mix."""
    style: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """The style of the music, in words."""
    track_title: Annotated[str, Field(min_length=1), NotBlank]
    """The title of the track."""
    model_version: Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = (
        "V6"
    )
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    prompt: str | None = None
    """What to make, in words."""
    lyrics: str | None = None
    """The words to sing."""
    duration: Annotated[int, Field(ge=10, le=360), IsNumber] = 20
    """Length of the result, in seconds."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoRegeneratePhrase(CatalogRequest, title="ai-music-api/regenerate-phrase"):
    """A new phrase to read aloud, in place of an earlier validation phrase (ai-music-api/regenerate-phrase)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["ai-music-api/regenerate-phrase"] = "ai-music-api/regenerate-phrase"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the validation-phrase task."""


class SunoReplaceSection(CatalogRequest, title="ai-music-api/replace-section"):
    """A track with one section made anew (ai-music-api/replace-section)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("any-of", "task_id", "upload_url"),)
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("a track of Kie", ("task_id", "audio_id"), None, limits={}, values={}),
        Variant("an uploaded track", ("upload_url", "model_version"), None, limits={}, values={}),
    )

    model: Literal["ai-music-api/replace-section"] = "ai-music-api/replace-section"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    tags: Annotated[str, Field(min_length=1), NotBlank]
    """Styles and instruments for the music."""
    track_title: Annotated[str, Field(min_length=1), NotBlank]
    """The title of the track."""
    infill_start_s: Annotated[float, Field(ge=0), IsNumber]
    """Where the section to replace starts, in seconds from the start of the track."""
    infill_end_s: Annotated[float, Field(ge=0), IsNumber]
    """Where the section to replace ends, in seconds; after its start."""
    full_lyrics: Annotated[str, Field(min_length=1), NotBlank]
    """The lyrics of the whole track, with the new section in place."""
    lyrics: str | None = None
    """The words to sing."""
    task_id: str | None = None
    """The ID of the earlier task to work from."""
    audio_id: str | None = None
    """The ID of one track, taken from the result of the task that made it."""
    upload_url: Address | None = None
    """The link to your recording."""
    model_version: (
        Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] | None
    ) = None
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoSeparateVocals(CatalogRequest, title="ai-music-api/separate-vocals"):
    """The voice and the instruments of a track as separate files (ai-music-api/separate-vocals)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 60.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("any-of", "task_id", "audio_url"),)
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("a track of Kie", ("task_id", "audio_id"), None, limits={}, values={}),
        Variant("by URL", ("audio_url", "audio_id"), None, limits={}, values={}),
    )

    model: Literal["ai-music-api/separate-vocals"] = "ai-music-api/separate-vocals"
    stem_name: Annotated[
        Literal[
            "Lead Vocal",
            "Drum Kit",
            "Kick",
            "Snare",
            "Risers",
            "Bass",
            "Backing Vocals",
            "Piano",
            "Electric Guitar",
            "Percussion",
            "String Section",
            "Synth",
            "Acoustic Guitar",
            "Sound Effects",
            "Synth Pad",
            "Synth Bass",
            "Guitar",
            "Brass Section",
            "Organ",
            "Electronic Drum Kit",
            "Lead Electric Guitar",
            "Synth Keys",
            "Rhythm Electric Guitar",
            "Electric Piano",
            "Upright Bass",
            "Keyboards",
            "Distorted Electric Guitar",
            "Synth Strings",
            "Synth Lead",
            "Woodwinds",
            "Rhythm Acoustic Guitar",
            "Flute",
            "Harp",
            "Tambourine",
            "Trumpet",
            "Arpeggiator",
            "Accordion",
            "Fiddle",
            "Pedal Steel Guitar",
            "Synth Voice",
            "Violin",
            "Digital Piano",
            "Synth Brass",
            "Mandolin",
            "Choir",
            "Banjo",
            "Bells",
            "Clarinet",
            "Tenor Saxophone",
            "Trombone",
            "Shaker",
            "French Horn",
            "Glockenspiel",
            "Electric Bass",
            "Cello",
            "Timpani",
            "Harmonica",
            "Marimba",
            "Vibraphone",
            "Lap Steel Guitar",
            "Saxophone",
            "Orchestra",
            "Horns",
            "Cymbals",
            "Hand Clap",
            "Oboe",
            "Celesta",
            "Congas",
            "Drone",
            "Alto Saxophone",
            "Double Bass",
            "Ukulele",
            "Harpsichord",
            "Baritone Saxophone",
            "Xylophone",
            "Tuba",
            "Bass Guitar",
            "Whistle",
            "Lead Guitar",
            "Rhodes",
            "808",
            "Bongos",
            "Bassoon",
            "Cowbell",
            "Viola",
            "Sitar",
            "Steel Drums",
            "Piccolo",
            "Theremin",
            "Bagpipes",
            "Hi-Hat",
            "Music Box",
            "Melodica",
            "Tabla",
            "Koto",
            "Djembe",
            "Taiko",
            "Didgeridoo",
        ],
        NumberAsText,
    ]
    """The instrument or voice to take out of the track."""
    type: Literal["separate_vocal", "split_stem", "split_stem_advanced"] = "separate_vocal"
    """How finely to separate the track."""
    task_id: str | None = None
    """The ID of the earlier task to work from."""
    audio_id: str | None = None
    """The ID of one track, taken from the result of the task that made it."""
    audio_url: Address | None = None
    """The link to the recording."""


class SunoSounds(CatalogRequest, title="Sounds"):
    """A sound effect or loop from a prompt (ai-music-api/sounds)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 60.0

    model: Literal["ai-music-api/sounds"] = "ai-music-api/sounds"
    prompt: Annotated[str, Field(min_length=1, max_length=500), NotBlank]
    """What to make, in words."""
    model_version: Literal["V5", "V5_5", "V6", "V6_WILD", "V6_MINI"]
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    sound_loop: bool = False
    """Makes a sound that repeats without a gap."""
    sound_tempo: Annotated[int, Field(ge=1, le=300), IsNumber] | None = None
    """Speed of the sound, in beats per minute."""
    sound_key: Literal[
        "Any",
        "Cm",
        "C#m",
        "Dm",
        "D#m",
        "Em",
        "Fm",
        "F#m",
        "Gm",
        "G#m",
        "Am",
        "A#m",
        "Bm",
        "C",
        "C#",
        "D",
        "D#",
        "E",
        "F",
        "F#",
        "G",
        "G#",
        "A",
        "A#",
        "B",
    ] = "Any"
    """The musical key of the sound; Any leaves it open."""
    grab_lyrics: bool = False
    """Also returns any lyrics of the sound."""


class SunoRecoveryAudio(CatalogRequest, title="ai-music-api/suno-recovery-audio"):
    """The audio of an earlier Suno task, recovered (ai-music-api/suno-recovery-audio)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["ai-music-api/suno-recovery-audio"] = "ai-music-api/suno-recovery-audio"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""


class SunoTimestampedLyrics(CatalogRequest, title="ai-music-api/timeStamped-lyrics"):
    """The lyrics of a track with the time of each word (ai-music-api/timeStamped-lyrics)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["ai-music-api/timeStamped-lyrics"] = "ai-music-api/timeStamped-lyrics"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the earlier task to work from."""
    audio_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of one track, taken from the result of the task that made it."""


class SunoUploadAndCoverAudio(CatalogRequest, title="Cover"):
    """Your recording performed anew in another style (ai-music-api/upload-and-cover-audio)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"instrumental", "model_version"})

    model: Literal["ai-music-api/upload-and-cover-audio"] = "ai-music-api/upload-and-cover-audio"
    upload_url: Address
    """The link to your recording."""
    instrumental: bool = False
    """Makes music without singing."""
    model_version: Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = (
        "V6"
    )
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to make, in words."""
    lyrics: Annotated[str, Field(max_length=5000)] | None = None
    """The words to sing."""
    style: Annotated[str, Field(max_length=1000)] | None = None
    """The style of the music, in words."""
    track_title: Annotated[str, Field(max_length=80)] | None = None
    """The title of the track."""
    duration: Annotated[int, Field(ge=10, le=360), IsNumber] = 20
    """Length of the result, in seconds."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoUploadAndExtendAudio(CatalogRequest, title="ai-music-api/upload-and-extend-audio"):
    """Your recording continued from a moment you choose (ai-music-api/upload-and-extend-audio)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"model_version"})

    model: Literal["ai-music-api/upload-and-extend-audio"] = "ai-music-api/upload-and-extend-audio"
    upload_url: Address
    """The link to your recording."""
    model_version: Literal["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"] = (
        "V6"
    )
    """The version of Suno to use; V6 is current, V5_5 and older are discontinued."""
    instrumental: bool = False
    """Makes music without singing."""
    prompt: str | None = None
    """What to make, in words."""
    lyrics: str | None = None
    """The words to sing."""
    style: str | None = None
    """The style of the music, in words."""
    track_title: Annotated[str, Field(max_length=100)] | None = None
    """The title of the track."""
    continue_at: Annotated[float, IsNumber] | None = None
    """Where to continue from, in seconds from the start of the track."""
    negative_tags: str | None = None
    """Styles and instruments to keep out of the music."""
    vocal_gender: Literal["m", "f"] | None = None
    """Whether a man (m) or a woman (f) sings; a preference that is not always met."""
    style_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the style, from 0 to 1."""
    weirdness_constraint: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How unusual the music may be, from 0 to 1."""
    audio_weight: Annotated[float, Field(ge=0, le=1), IsNumber] | None = None
    """How closely to follow the given recording, from 0 to 1."""
    variety: Annotated[int, Field(ge=0, le=4), IsNumber] = 1
    """How varied the music is, from 0 (least) to 4 (most)."""
    persona_id: str | None = None
    """The ID of a persona or voice to use."""
    persona_model: Literal["style_persona", "voice_persona"] | None = None
    """Whether persona_id is a style or a singing voice."""


class SunoValidationPhrase(CatalogRequest, title="ai-music-api/validation-phrase"):
    """A phrase to read aloud, the first step of creating a voice from a recording (ai-music-api/validation-phrase)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["ai-music-api/validation-phrase"] = "ai-music-api/validation-phrase"
    voice_url: Address
    """The link to a recording of the voice."""
    vocal_start_s: Annotated[int, IsNumber]
    """Where the sample of the voice starts, in seconds."""
    vocal_end_s: Annotated[int, IsNumber]
    """Where the sample of the voice ends, in seconds."""
    language: str | None = None
    """The language of the phrase to read."""
