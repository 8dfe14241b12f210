"""Chat and text completions. Knows their declarations."""

from penstock.frontend.api import chat, completions, render
from penstock.frontend.api.chat_shapes import ChatAnswer, ChatChunk
from penstock.frontend.api.completion_shapes import CompletionAnswer
from penstock.frontend.openapi.declared import EVENTS, HTML, TEXT, Answer, Route
from penstock.frontend.routes.shared import HELLO, OF_ENGINE, OF_MODEL, TAKES, TIMELINE
from penstock.protocol.keys import Scope

_TAG = "Generation"
_DONE = "[DONE]"
_STREAMED = (
    f"With `stream`, its chunks as server-sent events: each `data:` is one, the last is `{_DONE}`."
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/chat/completions",
        handler=chat.chat_completions,
        scope=Scope.INFERENCE,
        tag=_TAG,
        summary="Answer a conversation",
        body=chat.READER.kind,
        example={"messages": HELLO, "max_tokens": 64},
        headers=TAKES,
        answers=(
            Answer("The answer.", ChatAnswer),
            Answer(_STREAMED, ChatChunk, EVENTS, last=_DONE),
        ),
        errors=OF_MODEL + OF_ENGINE,
        links=(TIMELINE,),
    ),
    Route(
        method="POST",
        path="/v1/chat/completions/render",
        handler=render.render,
        scope=Scope.INFERENCE,
        tag=_TAG,
        summary="Show what a chat request comes to",
        description="Nothing is generated. HTML where neither `format` nor the Accept header asks for something else.",
        body=render.READER.kind,
        example={"messages": HELLO},
        query=render.QUERY.kind,
        answers=(
            Answer("The conversation as HTML.", media=HTML),
            Answer("The prompt that the chat template makes.", media=TEXT),
            Answer("The prompt, its tokens and how they would be continued.", render.RenderedChat),
        ),
        errors=(*OF_MODEL, 503),
    ),
    Route(
        method="POST",
        path="/v1/completions",
        handler=completions.completions,
        scope=Scope.INFERENCE,
        tag=_TAG,
        summary="Continue a text",
        body=completions.READER.kind,
        example={"prompt": "Once upon a time", "max_tokens": 32},
        headers=TAKES,
        answers=(
            Answer("The text that follows each prompt.", CompletionAnswer),
            Answer(_STREAMED, CompletionAnswer, EVENTS, last=_DONE),
        ),
        errors=OF_MODEL + OF_ENGINE,
        links=(TIMELINE,),
    ),
)
