"""This description and the pages that show it. Knows their declarations."""

from penstock.frontend.docs_pages import pages
from penstock.frontend.openapi.declared import HTML, TEXT, Answer, Route
from penstock.protocol.keys import Scope

_TAG = "Documentation"

ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=pages.openapi_json,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="This description",
        answers=(Answer("An OpenAPI 3.1 document.", dict),),
    ),
    Route(
        method="GET",
        path="/docs",
        handler=pages.swagger,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="A page to read it and to send requests (Swagger UI)",
        answers=(Answer("The page.", media=HTML),),
    ),
    Route(
        method="GET",
        path="/redoc",
        handler=pages.redoc,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="A page to read it (Redoc)",
        answers=(Answer("The page.", media=HTML),),
    ),
    Route(
        method="GET",
        path="/docs/oauth2-redirect",
        handler=pages.oauth2_redirect,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="Where a sign-on service sends the browser back to",
        answers=(Answer("A page for Swagger UI.", media=HTML),),
    ),
    Route(
        method="GET",
        path="/docs/assets/{name}",
        handler=pages.asset,
        scope=Scope.MODELS,
        places={"name": "The file's name."},
        tag=_TAG,
        summary="What the pages are made of",
        answers=(Answer("The file.", media=TEXT),),
        errors=(404,),
    ),
)
