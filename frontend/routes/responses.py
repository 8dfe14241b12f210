"""The Responses API. Knows its declarations."""

from penstock.frontend.api import responses, responses_kept
from penstock.frontend.openapi.declared import EVENTS, Answer, Route
from penstock.frontend.responses.shapes import (
    DeletedResponse,
    InputTokens,
    ItemPage,
    Response,
    ResponseEvent,
)
from penstock.frontend.routes.shared import OF_ENGINE, OF_MODEL, TAKES, TIMELINE
from penstock.protocol.keys import Scope

_TAG = "Responses"
_ID = {"id": "The response's id."}
_EXAMPLE = {"input": "Hello! Who are you?", "max_output_tokens": 64}

ROUTES = (
    Route(
        method="POST",
        path="/v1/responses",
        handler=responses.create,
        scope=Scope.INFERENCE,
        tag=_TAG,
        summary="Answer, and keep the answer",
        body=responses.READER.kind,
        example=_EXAMPLE,
        headers=TAKES,
        answers=(
            Answer("The response; with `background` one that is `queued`.", Response),
            Answer("With `stream`, its events as server-sent events.", ResponseEvent, EVENTS),
        ),
        errors=OF_MODEL + OF_ENGINE,
        links=(
            "GET /v1/responses/{id}",
            "DELETE /v1/responses/{id}",
            "POST /v1/responses/{id}/cancel",
            "GET /v1/responses/{id}/input_items",
            TIMELINE,
        ),
    ),
    Route(
        method="POST",
        path="/v1/responses/input_tokens",
        handler=responses.input_tokens,
        scope=Scope.INFERENCE,
        tag=_TAG,
        summary="Count the tokens of a prompt",
        body=responses.READER.kind,
        example=_EXAMPLE,
        headers=TAKES,
        answers=(Answer("How many there are.", InputTokens),),
        errors=(*OF_MODEL, 503),
    ),
    Route(
        method="GET",
        path="/v1/responses/{id}",
        handler=responses_kept.retrieve,
        scope=Scope.INFERENCE,
        places=_ID,
        tag=_TAG,
        summary="Show a response",
        query=responses_kept.RETRIEVE.kind,
        answers=(
            Answer("As it is now.", Response),
            Answer("With `stream`, its events from the number on.", ResponseEvent, EVENTS),
        ),
        errors=(400, 404, 429, 503),
    ),
    Route(
        method="DELETE",
        path="/v1/responses/{id}",
        handler=responses_kept.delete,
        scope=Scope.INFERENCE,
        places=_ID,
        tag=_TAG,
        summary="Forget a response",
        answers=(Answer("It is gone.", DeletedResponse),),
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/v1/responses/{id}/cancel",
        handler=responses_kept.cancel,
        scope=Scope.INFERENCE,
        places=_ID,
        tag=_TAG,
        summary="End a response in the background",
        answers=(Answer("As it is now; one that is finished stays as it is.", Response),),
        errors=(400, 404),
    ),
    Route(
        method="GET",
        path="/v1/responses/{id}/input_items",
        handler=responses_kept.input_items,
        scope=Scope.INFERENCE,
        places=_ID,
        tag=_TAG,
        summary="Show what came with a response",
        query=responses_kept.ITEMS.kind,
        answers=(Answer("Its items, a page of them.", ItemPage),),
        errors=(400, 404),
    ),
)
