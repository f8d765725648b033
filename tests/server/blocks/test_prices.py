"""The user's price table: which row counts, and what is no table."""

from __future__ import annotations

import asyncio

import pytest
from prefect.variables import Variable

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import load_prices
from prefect_kie.models import Sora2TextToVideo


@pytest.mark.server
async def test_it_is_the_variable_kie_prices() -> None:
    assert (await load_prices()).root == {}
    await asyncio.to_thread(Variable.set, "kie_prices", {"sora-2-text-to-video": 30})
    try:
        assert (await load_prices()).credits_for(Sora2TextToVideo(prompt="a cat")) == 30
        # Typed into the UI with quotes around it.
        await asyncio.to_thread(Variable.set, "kie_prices", '{"sora-2-text-to-video": 40}', overwrite=True)
        assert (await load_prices()).credits_for(Sora2TextToVideo(prompt="a cat")) == 40
        for value, told in (
            ("{", "it is no JSON"),
            (
                {"sora": [{"credits": 1}, {"credits": "x"}]},
                "sora: row 2: credits: Input should be a",
            ),
        ):
            await asyncio.to_thread(Variable.set, "kie_prices", value, overwrite=True)
            with pytest.raises(InvalidRequest, match=told) as caught:
                await load_prices()
            assert "nothing was submitted" in str(caught.value)
    finally:
        await asyncio.to_thread(Variable.unset, "kie_prices")
