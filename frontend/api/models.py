"""GET /v1/models and /v1/models/{id}. Knows the shape of a model's card."""

from typing import Literal

import msgspec
from aiohttp import web

from penstock.frontend.api.shapes import json_response
from penstock.frontend.services import SERVICES, Services


class Model(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: int
    """When the engine loaded it: the same in every answer."""
    owned_by: str = "penstock"
    root: str
    parent: None = None
    max_model_len: int


class ModelList(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[Model]


async def list_models(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    models = [await _model(services, name) for name in services.names]
    return json_response(ModelList(data=models))


async def get_model(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    name = request.match_info["model"]
    services.check_model(name)
    return json_response(await _model(services, name))


async def _model(services: Services, name: str) -> Model:
    card = await services.card()
    return Model(
        id=name,
        created=card.created,
        root=services.settings.model,
        max_model_len=card.max_model_len,
    )
