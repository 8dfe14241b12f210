"""Tokens, and the models that are served. Knows their declarations."""

from penstock.frontend.api import models, tokenize
from penstock.frontend.openapi.declared import Answer, Route
from penstock.frontend.routes.shared import OF_MODEL
from penstock.protocol.keys import Scope

_ENGINE_AWAY = (503,)

ROUTES = (
    Route(
        method="POST",
        path="/tokenize",
        handler=tokenize.tokenize,
        scope=Scope.INFERENCE,
        tag="Text",
        summary="Tokens of a text or a conversation",
        body=tokenize.TOKENIZE.kind,
        example={"prompt": "Hello!", "return_token_strs": True},
        answers=(Answer("The tokens' ids.", tokenize.TokenizeAnswer),),
        errors=OF_MODEL + _ENGINE_AWAY,
    ),
    Route(
        method="POST",
        path="/detokenize",
        handler=tokenize.detokenize,
        scope=Scope.INFERENCE,
        tag="Text",
        summary="The text of tokens",
        body=tokenize.DETOKENIZE.kind,
        example={"tokens": [1, 2, 3]},
        answers=(Answer("The text.", tokenize.DetokenizeAnswer),),
        errors=OF_MODEL + _ENGINE_AWAY,
    ),
    Route(
        method="GET",
        path="/v1/models",
        handler=models.list_models,
        scope=Scope.MODELS,
        tag="Models",
        summary="List the names of the served model",
        answers=(Answer("One entry for each name.", models.ModelList),),
        errors=_ENGINE_AWAY,
    ),
    Route(
        method="GET",
        path="/v1/models/{model:.+}",
        handler=models.get_model,
        scope=Scope.MODELS,
        places={"model": "One of the model's names."},
        tag="Models",
        summary="Show one of them",
        answers=(Answer("The model.", models.Model),),
        errors=OF_MODEL + _ENGINE_AWAY,
    ),
)
