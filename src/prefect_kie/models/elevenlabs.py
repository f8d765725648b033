"""Requests of the family elevenlabs.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    IsNumber,
    NotBlank,
    one_of,
)
from prefect_kie.models.rules import CatalogRequest, Part


class ElevenlabsTextToDialogueV3Dialogue(Part):
    """One of `dialogue` of elevenlabs/text-to-dialogue-v3."""

    always_sent: ClassVar[frozenset[str]] = frozenset({"voice"})

    text: Annotated[str, Field(min_length=1), NotBlank]
    """What to say in this line."""
    voice: Literal[
        "EkK5I93UQWFDigLMpZcX",
        "Z3R5wn05IrDiVCyEkUrK",
        "NNl6r8mD7vthiJatiJt1",
        "YOq2y2Up4RgXP2HyXjE5",
        "B8gJV1IhpuegLxdpXFOE",
        "2zRM7PkgwBPiau2jvVXc",
        "1SM7GgM6IMuvQlz2BwM3",
        "5l5f8iK3YPeGga21rQIX",
        "scOwDtmlUjD3prqpp97I",
        "NOpBlnGInO9m6vDvFkFC",
        "BZgkqPqms7Kj9ulSkVzn",
        "wo6udizrrtpIxWGp2qJk",
        "gU0LNdkMOQCOrPrwtbee",
        "DGzg6RaUqxGRTHSBjfgF",
        "x70vRnQBMBu4FAYhjJbO",
        "Sm1seazb4gs7RSlUVw7c",
        "P1bg08DkjqiVEzOn76yG",
        "qDuRKMlYmrm8trt5QyBn",
        "qXpMhyvQqiRxWQs4qSSB",
        "TX3LPaxmHKxFdv7VOQHJ",
        "N2lVS1w4EtoT3dr4eOWO",
        "FGY2WhTYpPnrIDTdsKH5",
        "kPzsL2i3teMYv0FxEYQ6",
        "UgBBYS2sOqTuMpoF3BR0",
        "hpp4J3VqNfWAUOO0d1Us",
        "nPczCjzI2devNBz1zQrb",
        "uYXf8XasLslADfZ2MB4u",
        "gs0tAILXbY5DNrJrsM6F",
        "DTKMou8ccj1ZaWGBiotd",
        "vBKc2FfBKJfcZNyEt1n6",
        "DYkrAHD8iwork3YSUBbs",
        "56AoDkrOh6qfVPDXZ7Pt",
        "eR40ATw9ArzDf9h3v7t7",
        "g6xIsTj2HwM6VR4iXFCw",
        "lcMyyd2HUfFzxdCaC4Ta",
        "6aDn1KB0hjpdcocrUkmq",
        "Sq93GQT4X1lKDXsQcixO",
        "flHkNRp1BlvT73UL6gyz",
        "9yzdeviXkFddZ4Oz8Mok",
        "pPdl9cQBQq4p6mRkZy2Z",
        "zYcjlYFOd3taleS0gkk3",
        "nzeAacJi50IvxcyDnMXa",
        "ruirxsoakN0GWmGNIo04",
        "TC0Zp7WVFzhA8zpTlRqV",
        "ljo9gAlSqKOvF6D8sOsX",
        "PPzYpIqttlTYA83688JI",
        "8JVbfL6oEdmuxKn5DK2C",
        "iCrDUkL56s3C8sCRl7wb",
        "wJqPPQ618aTW29mptyoc",
        "EiNlNiXeDU1pqqOPrYMO",
        "4YYIPFl9wE5c4L2eu2Gb",
        "6F5Zhi321D3Oq7v1oNT4",
        "YXpFCvM1S3JbWEJhoskW",
        "LG95yZDEHg6fCZdQjLqj",
        "CeNX9CMwmxDxUF5Q2Inm",
        "aD6riP1btT197c6dACmy",
        "mtrellq69YZsNwzUSyXh",
        "dHd5gvgSOzSfduK4CvEg",
        "eVItLK1UvXctxuaRV2Oq",
        "esy0r39YPLQjOczyOib8",
        "Tsns2HvNFKfGiNjllgqo",
        "1U02n4nD6AdIZ9CjF053",
        "AeRdCCKzvd23BpJoofzx",
        "LruHrtVF6PSyGItzMNHS",
        "1wGbFxmAM3Fgw63G1zZJ",
        "hqfrgApggtO1785R4Fsn",
        "MJ0RnG71ty4LH3dvNfSd",
    ] = "EkK5I93UQWFDigLMpZcX"
    """The ID of the voice that says this line."""


class ElevenlabsTextToDialogueV3(CatalogRequest, title="Dialogue"):
    """Spoken dialogue in several voices from lines of text (elevenlabs/text-to-dialogue-v3)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["elevenlabs/text-to-dialogue-v3"] = "elevenlabs/text-to-dialogue-v3"
    dialogue: Annotated[list[ElevenlabsTextToDialogueV3Dialogue], Field(min_length=1)]
    """The lines to speak, in order, each with its voice; 5000 characters in all."""
    stability: Annotated[
        float, one_of(0, 0.5, 1), Field(json_schema_extra={"enum": [0, 0.5, 1]}), IsNumber
    ] = 0.5
    """How steady the voices are: 0 is lively, 0.5 natural, 1 even."""
    language_code: (
        Literal[
            "af",
            "ar",
            "hy",
            "as",
            "az",
            "be",
            "bn",
            "bs",
            "bg",
            "ca",
            "ceb",
            "ny",
            "hr",
            "cs",
            "da",
            "nl",
            "en",
            "et",
            "fil",
            "fi",
            "fr",
            "gl",
            "ka",
            "de",
            "el",
            "gu",
            "ha",
            "he",
            "hi",
            "hu",
            "is",
            "id",
            "ga",
            "it",
            "ja",
            "jv",
            "kn",
            "kk",
            "ky",
            "ko",
            "lv",
            "ln",
            "lt",
            "lb",
            "mk",
            "ms",
            "ml",
            "zh",
            "mr",
            "ne",
            "no",
            "ps",
            "fa",
            "pl",
            "pt",
            "pa",
            "ro",
            "ru",
            "sr",
            "sd",
            "sk",
            "sl",
            "so",
            "es",
            "sw",
            "sv",
            "ta",
            "te",
            "th",
            "tr",
            "uk",
            "ur",
            "vi",
            "cy",
        ]
        | None
    ) = None
    """The language of the speech, as a short code such as en or de."""


class ElevenlabsTextToSpeechMultilingualV2(CatalogRequest, title="Eleven v2"):
    """Speech in one voice from a text, in many languages (elevenlabs/text-to-speech-multilingual-v2)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 15.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"voice"})

    model: Literal["elevenlabs/text-to-speech-multilingual-v2"] = "elevenlabs/text-to-speech-multilingual-v2"
    text: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to say."""
    voice: Literal[
        "EkK5I93UQWFDigLMpZcX",
        "Z3R5wn05IrDiVCyEkUrK",
        "NNl6r8mD7vthiJatiJt1",
        "YOq2y2Up4RgXP2HyXjE5",
        "B8gJV1IhpuegLxdpXFOE",
        "2zRM7PkgwBPiau2jvVXc",
        "1SM7GgM6IMuvQlz2BwM3",
        "5l5f8iK3YPeGga21rQIX",
        "scOwDtmlUjD3prqpp97I",
        "NOpBlnGInO9m6vDvFkFC",
        "BZgkqPqms7Kj9ulSkVzn",
        "wo6udizrrtpIxWGp2qJk",
        "gU0LNdkMOQCOrPrwtbee",
        "DGzg6RaUqxGRTHSBjfgF",
        "x70vRnQBMBu4FAYhjJbO",
        "Sm1seazb4gs7RSlUVw7c",
        "P1bg08DkjqiVEzOn76yG",
        "qDuRKMlYmrm8trt5QyBn",
        "qXpMhyvQqiRxWQs4qSSB",
        "TX3LPaxmHKxFdv7VOQHJ",
        "N2lVS1w4EtoT3dr4eOWO",
        "FGY2WhTYpPnrIDTdsKH5",
        "kPzsL2i3teMYv0FxEYQ6",
        "UgBBYS2sOqTuMpoF3BR0",
        "hpp4J3VqNfWAUOO0d1Us",
        "nPczCjzI2devNBz1zQrb",
        "uYXf8XasLslADfZ2MB4u",
        "gs0tAILXbY5DNrJrsM6F",
        "DTKMou8ccj1ZaWGBiotd",
        "vBKc2FfBKJfcZNyEt1n6",
        "DYkrAHD8iwork3YSUBbs",
        "56AoDkrOh6qfVPDXZ7Pt",
        "eR40ATw9ArzDf9h3v7t7",
        "g6xIsTj2HwM6VR4iXFCw",
        "lcMyyd2HUfFzxdCaC4Ta",
        "6aDn1KB0hjpdcocrUkmq",
        "Sq93GQT4X1lKDXsQcixO",
        "flHkNRp1BlvT73UL6gyz",
        "9yzdeviXkFddZ4Oz8Mok",
        "pPdl9cQBQq4p6mRkZy2Z",
        "zYcjlYFOd3taleS0gkk3",
        "nzeAacJi50IvxcyDnMXa",
        "ruirxsoakN0GWmGNIo04",
        "TC0Zp7WVFzhA8zpTlRqV",
        "ljo9gAlSqKOvF6D8sOsX",
        "PPzYpIqttlTYA83688JI",
        "8JVbfL6oEdmuxKn5DK2C",
        "iCrDUkL56s3C8sCRl7wb",
        "wJqPPQ618aTW29mptyoc",
        "EiNlNiXeDU1pqqOPrYMO",
        "4YYIPFl9wE5c4L2eu2Gb",
        "6F5Zhi321D3Oq7v1oNT4",
        "YXpFCvM1S3JbWEJhoskW",
        "LG95yZDEHg6fCZdQjLqj",
        "CeNX9CMwmxDxUF5Q2Inm",
        "aD6riP1btT197c6dACmy",
        "mtrellq69YZsNwzUSyXh",
        "dHd5gvgSOzSfduK4CvEg",
        "eVItLK1UvXctxuaRV2Oq",
        "esy0r39YPLQjOczyOib8",
        "Tsns2HvNFKfGiNjllgqo",
        "1U02n4nD6AdIZ9CjF053",
        "AeRdCCKzvd23BpJoofzx",
        "LruHrtVF6PSyGItzMNHS",
        "1wGbFxmAM3Fgw63G1zZJ",
        "hqfrgApggtO1785R4Fsn",
        "MJ0RnG71ty4LH3dvNfSd",
    ] = "EkK5I93UQWFDigLMpZcX"
    """The ID of the voice that speaks."""
    stability: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How steady the voice is, from 0 (lively) to 1 (even)."""
    similarity_boost: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.75
    """How closely to match the original voice, from 0 to 1."""
    style: Annotated[float, Field(ge=0, le=1), IsNumber] = 0
    """How much to exaggerate the style of the voice, from 0 to 1."""
    speed: Annotated[float, Field(ge=0.7, le=1.2), IsNumber] = 1
    """Speed of the speech; 1 is normal."""
    timestamps: bool | None = None
    """Also returns when each word is spoken."""
    previous_text: Annotated[str, Field(max_length=5000)] | None = None
    """The text that comes before, so that the speech flows on from it; it is not spoken."""
    next_text: Annotated[str, Field(max_length=5000)] | None = None
    """The text that comes after, so that the speech flows into it; it is not spoken."""
    language_code: Annotated[str, Field(max_length=500)] | None = None
    """The language of the speech, as a short code such as en or de."""


class ElevenlabsTextToSpeechTurbo25(CatalogRequest, title="Eleven Turbo"):
    """Speech in one voice from a text, faster and cheaper (elevenlabs/text-to-speech-turbo-2-5)."""

    result_kind: ClassVar[str] = "audio"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["elevenlabs/text-to-speech-turbo-2-5"] = "elevenlabs/text-to-speech-turbo-2-5"
    text: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to say."""
    voice: Literal[
        "EkK5I93UQWFDigLMpZcX",
        "Z3R5wn05IrDiVCyEkUrK",
        "NNl6r8mD7vthiJatiJt1",
        "YOq2y2Up4RgXP2HyXjE5",
        "B8gJV1IhpuegLxdpXFOE",
        "2zRM7PkgwBPiau2jvVXc",
        "1SM7GgM6IMuvQlz2BwM3",
        "5l5f8iK3YPeGga21rQIX",
        "scOwDtmlUjD3prqpp97I",
        "NOpBlnGInO9m6vDvFkFC",
        "BZgkqPqms7Kj9ulSkVzn",
        "wo6udizrrtpIxWGp2qJk",
        "gU0LNdkMOQCOrPrwtbee",
        "DGzg6RaUqxGRTHSBjfgF",
        "x70vRnQBMBu4FAYhjJbO",
        "Sm1seazb4gs7RSlUVw7c",
        "P1bg08DkjqiVEzOn76yG",
        "qDuRKMlYmrm8trt5QyBn",
        "qXpMhyvQqiRxWQs4qSSB",
        "TX3LPaxmHKxFdv7VOQHJ",
        "N2lVS1w4EtoT3dr4eOWO",
        "FGY2WhTYpPnrIDTdsKH5",
        "kPzsL2i3teMYv0FxEYQ6",
        "UgBBYS2sOqTuMpoF3BR0",
        "hpp4J3VqNfWAUOO0d1Us",
        "nPczCjzI2devNBz1zQrb",
        "uYXf8XasLslADfZ2MB4u",
        "gs0tAILXbY5DNrJrsM6F",
        "DTKMou8ccj1ZaWGBiotd",
        "vBKc2FfBKJfcZNyEt1n6",
        "DYkrAHD8iwork3YSUBbs",
        "56AoDkrOh6qfVPDXZ7Pt",
        "eR40ATw9ArzDf9h3v7t7",
        "g6xIsTj2HwM6VR4iXFCw",
        "lcMyyd2HUfFzxdCaC4Ta",
        "6aDn1KB0hjpdcocrUkmq",
        "Sq93GQT4X1lKDXsQcixO",
        "flHkNRp1BlvT73UL6gyz",
        "9yzdeviXkFddZ4Oz8Mok",
        "pPdl9cQBQq4p6mRkZy2Z",
        "zYcjlYFOd3taleS0gkk3",
        "nzeAacJi50IvxcyDnMXa",
        "ruirxsoakN0GWmGNIo04",
        "TC0Zp7WVFzhA8zpTlRqV",
        "ljo9gAlSqKOvF6D8sOsX",
        "PPzYpIqttlTYA83688JI",
        "8JVbfL6oEdmuxKn5DK2C",
        "iCrDUkL56s3C8sCRl7wb",
        "wJqPPQ618aTW29mptyoc",
        "EiNlNiXeDU1pqqOPrYMO",
        "4YYIPFl9wE5c4L2eu2Gb",
        "6F5Zhi321D3Oq7v1oNT4",
        "YXpFCvM1S3JbWEJhoskW",
        "LG95yZDEHg6fCZdQjLqj",
        "CeNX9CMwmxDxUF5Q2Inm",
        "aD6riP1btT197c6dACmy",
        "mtrellq69YZsNwzUSyXh",
        "dHd5gvgSOzSfduK4CvEg",
        "eVItLK1UvXctxuaRV2Oq",
        "esy0r39YPLQjOczyOib8",
        "Tsns2HvNFKfGiNjllgqo",
        "1U02n4nD6AdIZ9CjF053",
        "AeRdCCKzvd23BpJoofzx",
        "LruHrtVF6PSyGItzMNHS",
        "1wGbFxmAM3Fgw63G1zZJ",
        "hqfrgApggtO1785R4Fsn",
        "MJ0RnG71ty4LH3dvNfSd",
    ] = "EkK5I93UQWFDigLMpZcX"
    """The ID of the voice that speaks."""
    stability: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.5
    """How steady the voice is, from 0 (lively) to 1 (even)."""
    similarity_boost: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.75
    """How closely to match the original voice, from 0 to 1."""
    style: Annotated[float, Field(ge=0, le=1), IsNumber] = 0
    """How much to exaggerate the style of the voice, from 0 to 1."""
    speed: Annotated[float, Field(ge=0.7, le=1.2), IsNumber] = 1
    """Speed of the speech; 1 is normal."""
    timestamps: bool | None = None
    """Also returns when each word is spoken."""
    previous_text: Annotated[str, Field(max_length=5000)] | None = None
    """The text that comes before, so that the speech flows on from it; it is not spoken."""
    next_text: Annotated[str, Field(max_length=5000)] | None = None
    """The text that comes after, so that the speech flows into it; it is not spoken."""
    language_code: Annotated[str, Field(max_length=500)] | None = None
    """The language of the speech, as a short code such as en or de."""
