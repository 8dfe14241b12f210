"""This description and the pages that show it. Knows their declarations."""

from collections.abc import Sequence

from penstock.frontend.openapi.declared import CSS, HTML, SCRIPT, TEXT, Answer, Route
from penstock.frontend.pages import documentation
from penstock.protocol.keys import Scope

_TAG = "Documentation"
_PAGES = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=documentation.openapi_json,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="This description",
        answers=(Answer("An OpenAPI 3.1 document.", dict),),
    ),
    Route(
        method="GET",
        path="/docs",
        handler=documentation.swagger,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="A page to read it and to send requests (Swagger UI)",
        answers=(Answer("The page.", media=HTML),),
    ),
    Route(
        method="GET",
        path="/redoc",
        handler=documentation.redoc,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="A page to read it (Redoc)",
        answers=(Answer("The page.", media=HTML),),
    ),
    Route(
        method="GET",
        path="/docs/oauth2-redirect",
        handler=documentation.oauth2_redirect,
        scope=Scope.MODELS,
        tag=_TAG,
        summary="Where a sign-on service sends the browser back to",
        answers=(Answer("A page for Swagger UI.", media=HTML),),
    ),
)


def routes() -> Sequence[Route]:
    """Reads the files, so that a server shows those it started with."""
    parts = Route(
        method="GET",
        path="/docs/assets/{name}",
        handler=documentation.Parts().part,
        scope=Scope.MODELS,
        places={"name": "The file's name."},
        tag=_TAG,
        summary="What the pages are made of",
        answers=(
            Answer("Styles.", media=CSS),
            Answer("Scripts.", media=SCRIPT),
            Answer("Licences.", media=TEXT),
        ),
        errors=(404,),
    )
    return (*_PAGES, parts)
