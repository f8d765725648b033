"""Kie's own catalogue: the models it serves, schemas, prices and success rates."""

import hashlib
from urllib.parse import quote

from starlette.requests import Request

from prefect_kie.simulator.answers import Answer, envelope, key_of
from prefect_kie.simulator.checks import object_schema
from prefect_kie.simulator.models import MODELS, Json, Model, Refused
from prefect_kie.simulator.state import Simulator


async def list_models(simulator: Simulator, request: Request, _: object) -> Answer:
    """`GET /api/v1/models`, filtered by `taskType`, `provider` and `q`."""
    simulator.throttle(1, f"catalogue of {key_of(request)}", simulator.settings.catalog_per_second)
    asked = request.query_params
    kinds, provider = set(asked.get("taskType", "").split(",")) - {""}, asked.get("provider", "").lower()
    shown = [
        {
            "model": name,
            "slug": name.replace("/", "-"),
            "title": model.title or name,
            "provider": model.family,
            "taskType": model.kinds or [model.kind],
            "description": None,
            "pricingDesc": _price_of(name, model, simulator),
        }
        for name, model in _served(simulator).items()
        if (not kinds or kinds.intersection(model.kinds or [model.kind]))
        and provider in ("", model.family.lower())
        and asked.get("q", "").lower() in f"{name} {model.title or ''}".lower()
    ]
    return envelope(data={"total": len(shown), "models": shown})


async def schema(simulator: Simulator, request: Request, _: object) -> Answer:
    name, model = _asked(simulator, request)
    document = openapi(name, model) if model.fields else None
    return envelope(data={"model": name, "openapi": document})


async def price(simulator: Simulator, request: Request, _: object) -> Answer:
    name, model = _asked(simulator, request)
    return envelope(data={"model": name, "pricingDesc": _price_of(name, model, simulator)})


async def success_rate(simulator: Simulator, request: Request, _: object) -> Answer:
    """`GET /api/v1/models/{model}/success-rate`: 24 hours in steps of ten minutes; null: nobody asked."""
    name, _model = _asked(simulator, request)
    luck = hashlib.sha512(name.encode()).digest()
    began = int(simulator.clock()) // 600 * 600 - 24 * 3600
    points: list[Json] = []
    for number in range(144):
        start, error = 1000 * (began + 600 * number), luck[number % len(luck)] / 32
        rates = {"successRate": round(100 - error, 2), "errorRate": round(error, 2), "isNormal": error < 7}
        asked = rates if error >= 0.5 else dict.fromkeys(rates)
        points.append({"start": start, "end": start + 600_000, **asked})
    return envelope(data={"model": name, "points": points})


def _served(simulator: Simulator) -> dict[str, Model]:
    """The models that the catalogue lists: the live ones, Sora while it is not paused, and the extra ones."""
    settings = simulator.settings
    return {
        name: model
        for name, model in {**MODELS, **settings.extra_models}.items()
        if model.status == "live" and name not in settings.retired_models and not simulator.is_paused(name)
    }


def _asked(simulator: Simulator, request: Request) -> tuple[str, Model]:
    """Return the model that a call is about; Refused where the catalogue has none of that name."""
    simulator.throttle(1, f"catalogue of {key_of(request)}", simulator.settings.catalog_per_second)
    name = request.path_params["model"]
    model = _served(simulator).get(name)
    # Kie does not take a name whose slash is escaped.
    if model is None or b"%2f" in request.scope.get("raw_path", b"").lower():
        raise Refused(404)
    return name, model


def _price_of(name: str, model: Model, simulator: Simulator) -> str:
    return model.price.get("note") or f"{simulator.settings.price_of(name):g} credits per run"


def openapi(name: str, model: Model) -> Json:
    """Return the OpenAPI document of one model as Kie writes them, with its odd component names."""
    component = f"{name.replace('/', ' ')} input "  # with blanks, one of them at its end
    shapes = [_shape(model, variant) for variant in model.variants]
    given = {"oneOf": shapes} if shapes else _shape(model, {})
    reference: Json = {"$ref": f"#/components/schemas/{quote(component)}"}
    body = reference
    if model.call is None:
        text: Json = {"type": "string"}
        rules = {"model": text | {"enum": [name]}, "callBackUrl": text | {"format": "uri"}}
        body = object_schema(rules, ["model", "input"])
        body["properties"]["input"] = reference
    post = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "The task is created."}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": model.title or name, "version": "1.0.0"},
        "servers": [{"url": "https://api.kie.ai"}],
        "paths": {model.call or "/api/v1/jobs/createTask": {"post": post}},
        "components": {"schemas": {component: given}},
    }


def _shape(model: Model, variant: Json) -> Json:
    """The JSON Schema of an input, or of one of its shapes."""
    allowed = variant.get("allowed") or list(model.fields)
    fields = {name: {**model.fields, **variant.get("fields", {})}[name] for name in allowed}
    told = variant.get("required", ())
    required = [name for name in allowed if name in told or model.fields[name].get("required")]
    return object_schema(fields, required) | ({"title": variant["name"]} if variant else {})
