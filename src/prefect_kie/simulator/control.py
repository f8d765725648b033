"""The remote control under /_sim: faults, counters, settings and the way back to the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_kie.simulator.state import Simulator


def control_routes(simulator: Simulator) -> list[Route]:
    """Return the routes that tests and the demo steer a simulator with. They need no key."""

    async def stats(_: Request) -> Response:
        return JSONResponse(simulator.stats())

    async def reset(_: Request) -> Response:
        await simulator.reset()
        return JSONResponse({"ok": True})

    async def add_fault(request: Request) -> Response:
        return await _checked(request, lambda fields: simulator.faults.add(fields))

    async def list_faults(_: Request) -> Response:
        return JSONResponse(simulator.faults.report())

    async def clear_faults(_: Request) -> Response:
        simulator.faults.clear()
        return JSONResponse({"ok": True})

    async def read_settings(_: Request) -> Response:
        return JSONResponse(simulator.settings.model_dump(mode="json"))

    async def change_settings(request: Request) -> Response:
        return await _checked(request, lambda fields: simulator.change(fields))

    async def file_requests(_: Request) -> Response:
        return JSONResponse(simulator.file_requests)

    return [
        Route("/_sim/stats", stats, methods=["GET"]),
        Route("/_sim/reset", reset, methods=["POST"]),
        Route("/_sim/faults", add_fault, methods=["POST"]),
        Route("/_sim/faults", list_faults, methods=["GET"]),
        Route("/_sim/faults", clear_faults, methods=["DELETE"]),
        Route("/_sim/settings", read_settings, methods=["GET"]),
        Route("/_sim/settings", change_settings, methods=["PATCH"]),
        Route("/_sim/file-requests", file_requests, methods=["GET"]),
    ]


async def _checked(request: Request, apply: Callable[[Any], object]) -> Response:
    """Apply a JSON object; what does not fit is answered 400, with the reasons."""
    try:
        apply(await request.json())
    except (ValidationError, ValueError, TypeError) as error:
        return JSONResponse({"ok": False, "error": str(error)}, status_code=400)
    return JSONResponse({"ok": True})
