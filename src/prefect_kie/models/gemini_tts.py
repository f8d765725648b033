"""Requests of the family gemini-tts.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    IsNumber,
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest, Part


class Gemini25ProTtsSpeaker(Part):
    """One of `speakers` of google/gemini-2-5-pro-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker's label, which dialogue_turns refers to."""
    voice_name: Literal[
        "Achernar",
        "Achird",
        "Algenib",
        "Algieba",
        "Alnilam",
        "Aoede",
        "Autonoe",
        "Callirrhoe",
        "Charon",
        "Despina",
        "Enceladus",
        "Erinome",
        "Fenrir",
        "Gacrux",
        "Iapetus",
        "Kore",
        "Laomedeia",
        "Leda",
        "Orus",
        "Puck",
        "Pulcherrima",
        "Rasalgethi",
        "Sadachbia",
        "Sadaltager",
        "Schedar",
        "Sulafat",
        "Umbriel",
        "Vindemiatrix",
        "Zephyr",
        "Zubenelgenubi",
    ]
    """The name of the voice."""
    audio_profile: str | None = None
    """What the speaker sounds like, in words."""
    accent: Literal[
        "Neutral",
        "American (Gen)",
        "American (Valley)",
        "American (South)",
        "British (RP)",
        "British (Brixton)",
        "Transatlantic",
        "Australian",
    ]
    """The speaker's accent."""
    style: Literal["Vocal Smile", "Newscaster", "Whisper", "Empathetic", "Promo/Hype", "Deadpan"] | None = (
        None
    )
    """The manner in which the speaker talks."""
    pace: Literal["Natural", "Rapid Fire", "The Drift", "Staccato"] | None = None
    """How fast and with what rhythm the speaker talks."""


class Gemini25ProTtsDialogueTurn(Part):
    """One of `dialogue_turns` of google/gemini-2-5-pro-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker of this line, as named in speakers."""
    text: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to say in this line."""


class Gemini25ProTts(CatalogRequest, title="Gemini 2.5 Pro TTS"):
    """Speech by one or more speakers, each with a voice, accent, and style, from lines of text (google/gemini-2-5-pro-tts)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["google/gemini-2-5-pro-tts"] = "google/gemini-2-5-pro-tts"
    temperature: Annotated[float, Field(ge=0, le=2), IsNumber] = 1
    """How varied the reading is; lower is more even."""
    scene: str | None = None
    """Where the dialogue takes place, in words."""
    sample_context: str | None = None
    """What goes before the dialogue, to set its mood; it is not spoken."""
    speakers: Annotated[list[Gemini25ProTtsSpeaker], Field(min_length=1)]
    """The people who speak, labelled "Speaker 1", "Speaker 2", and so on."""
    dialogue_turns: Annotated[list[Gemini25ProTtsDialogueTurn], Field(min_length=1)]
    """The lines to speak, in order, each with its speaker."""


class Gemini31FlashTtsSpeaker(Part):
    """One of `speakers` of google/gemini-3-1-flash-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker's label, which dialogue_turns refers to."""
    voice_name: Literal[
        "Achernar",
        "Achird",
        "Algenib",
        "Algieba",
        "Alnilam",
        "Aoede",
        "Autonoe",
        "Callirrhoe",
        "Charon",
        "Despina",
        "Enceladus",
        "Erinome",
        "Fenrir",
        "Gacrux",
        "Iapetus",
        "Kore",
        "Laomedeia",
        "Leda",
        "Orus",
        "Puck",
        "Pulcherrima",
        "Rasalgethi",
        "Sadachbia",
        "Sadaltager",
        "Schedar",
        "Sulafat",
        "Umbriel",
        "Vindemiatrix",
        "Zephyr",
        "Zubenelgenubi",
    ]
    """The name of the voice."""
    audio_profile: str | None = None
    """What the speaker sounds like, in words."""
    accent: Literal[
        "Neutral",
        "American (Gen)",
        "American (Valley)",
        "American (South)",
        "British (RP)",
        "British (Brixton)",
        "Transatlantic",
        "Australian",
    ]
    """The speaker's accent."""
    style: Literal["Vocal Smile", "Newscaster", "Whisper", "Empathetic", "Promo/Hype", "Deadpan"] | None = (
        None
    )
    """The manner in which the speaker talks."""
    pace: Literal["Natural", "Rapid Fire", "The Drift", "Staccato"] | None = None
    """How fast and with what rhythm the speaker talks."""


class Gemini31FlashTtsDialogueTurn(Part):
    """One of `dialogue_turns` of google/gemini-3-1-flash-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker of this line, as named in speakers."""
    text: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to say in this line."""


class Gemini31FlashTts(CatalogRequest, title="Gemini 3.1 Flash TTS"):
    """Speech by one or more speakers, each with a voice, accent, and style, from lines of text (google/gemini-3-1-flash-tts)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 15.0

    model: Literal["google/gemini-3-1-flash-tts"] = "google/gemini-3-1-flash-tts"
    temperature: Annotated[float, Field(ge=0, le=2), IsNumber] = 1
    """How varied the reading is; lower is more even."""
    scene: str | None = None
    """Where the dialogue takes place, in words."""
    sample_context: str | None = None
    """What goes before the dialogue, to set its mood; it is not spoken."""
    speakers: Annotated[list[Gemini31FlashTtsSpeaker], Field(min_length=1)]
    """The people who speak, labelled "Speaker 1", "Speaker 2", and so on."""
    dialogue_turns: Annotated[list[Gemini31FlashTtsDialogueTurn], Field(min_length=1)]
    """The lines to speak, in order, each with its speaker."""


class Gemini38FlashLiteTtsSpeaker(Part):
    """One of `speakers` of google/gemini-3-8-flash-lite-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker's label, which dialogue_turns refers to."""
    voice_name: Literal[
        "Bodi",
        "Lumi",
        "Sadaltager",
        "Sola",
        "Sulafat",
        "Varo",
        "Zephyr",
        "Koda",
        "Kore",
        "Nika",
        "Tavi",
        "Zeno",
        "Algenib",
        "Despina",
        "Erinome",
        "Kira",
        "Ludo",
        "Mako",
        "Rasalgethi",
        "Rina",
        "Alnilam",
        "Brio",
        "Jori",
        "Laomedeia",
        "Rami",
        "Veda",
        "Achird",
        "Enzo",
        "Riko",
        "Sami",
        "Zali",
        "Zubenelgenubi",
        "Algieba",
        "Aoede",
        "Autonoe",
        "Callirrhoe",
        "Enceladus",
        "Gero",
        "Iapetus",
        "Neno",
        "Olin",
        "Tari",
        "Umbriel",
        "Achernar",
        "Charon",
        "Daro",
        "Fola",
        "Hali",
        "Milo",
        "Puck",
        "Arlo",
        "Cleo",
        "Fenrir",
        "Finn",
        "Leda",
        "Lora",
        "Orus",
        "Enya",
        "Jett",
        "Knox",
        "Nyla",
        "Sadachbia",
        "Vindemiatrix",
        "Cruz",
        "Elio",
        "Gacrux",
        "Pulcherrima",
        "Schedar",
        "Tova",
        "Zuri",
    ] = "Fola"
    """The name of the voice."""


class Gemini38FlashLiteTtsDialogueTurn(Part):
    """One of `dialogue_turns` of google/gemini-3-8-flash-lite-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker of this line, as named in speakers."""
    text: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to say in this line."""
    style: str | None = None
    """How to say this line, in words."""


class Gemini38FlashLiteTts(CatalogRequest, title="Gemini Lite"):
    """Speech by one or more speakers from lines of text, at the lowest price (google/gemini-3-8-flash-lite-tts)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["google/gemini-3-8-flash-lite-tts"] = "google/gemini-3-8-flash-lite-tts"
    temperature: Annotated[float, Field(ge=0, le=2), IsNumber] = 1
    """How varied the reading is; lower is more even."""
    filler_words: bool = False
    """Adds natural fillers such as "um" to the speech."""
    speakers: Annotated[list[Gemini38FlashLiteTtsSpeaker], Field(min_length=1)]
    """The people who speak, each with a voice."""
    dialogue_turns: Annotated[list[Gemini38FlashLiteTtsDialogueTurn], Field(min_length=1)]
    """The lines to speak, in order, each with its speaker."""


class Gemini38FlashTtsSpeaker(Part):
    """One of `speakers` of google/gemini-3-8-flash-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker's label, which dialogue_turns refers to."""
    voice_name: Literal[
        "Bodi",
        "Lumi",
        "Sadaltager",
        "Sola",
        "Sulafat",
        "Varo",
        "Zephyr",
        "Koda",
        "Kore",
        "Nika",
        "Tavi",
        "Zeno",
        "Algenib",
        "Despina",
        "Erinome",
        "Kira",
        "Ludo",
        "Mako",
        "Rasalgethi",
        "Rina",
        "Alnilam",
        "Brio",
        "Jori",
        "Laomedeia",
        "Rami",
        "Veda",
        "Achird",
        "Enzo",
        "Riko",
        "Sami",
        "Zali",
        "Zubenelgenubi",
        "Algieba",
        "Aoede",
        "Autonoe",
        "Callirrhoe",
        "Enceladus",
        "Gero",
        "Iapetus",
        "Neno",
        "Olin",
        "Tari",
        "Umbriel",
        "Achernar",
        "Charon",
        "Daro",
        "Fola",
        "Hali",
        "Milo",
        "Puck",
        "Arlo",
        "Cleo",
        "Fenrir",
        "Finn",
        "Leda",
        "Lora",
        "Orus",
        "Enya",
        "Jett",
        "Knox",
        "Nyla",
        "Sadachbia",
        "Vindemiatrix",
        "Cruz",
        "Elio",
        "Gacrux",
        "Pulcherrima",
        "Schedar",
        "Tova",
        "Zuri",
    ] = "Fola"
    """The name of the voice."""


class Gemini38FlashTtsDialogueTurn(Part):
    """One of `dialogue_turns` of google/gemini-3-8-flash-tts."""

    speaker_id: Annotated[str, Field(min_length=1), NotBlank]
    """The speaker of this line, as named in speakers."""
    text: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to say in this line."""
    style: str | None = None
    """How to say this line, in words."""


class Gemini38FlashTts(CatalogRequest, title="Gemini"):
    """Speech by one or more speakers, with a style for each line, from lines of text (google/gemini-3-8-flash-tts)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 15.0

    model: Literal["google/gemini-3-8-flash-tts"] = "google/gemini-3-8-flash-tts"
    temperature: Annotated[float, Field(ge=0, le=2), IsNumber] = 1
    """How varied the reading is; lower is more even."""
    filler_words: bool = False
    """Adds natural fillers such as "um" to the speech."""
    speakers: Annotated[list[Gemini38FlashTtsSpeaker], Field(min_length=1)]
    """The people who speak, each with a voice."""
    dialogue_turns: Annotated[list[Gemini38FlashTtsDialogueTurn], Field(min_length=1)]
    """The lines to speak, in order, each with its speaker."""
