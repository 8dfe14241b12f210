"""The page at / and its files. Knows their declarations."""

from collections.abc import Sequence

from penstock.frontend.openapi.declared import CSS, HTML, SCRIPT, SVG, Answer, Route
from penstock.frontend.pages import home

_TAG = "Playground"
_PARTS = (
    Answer("Styles.", media=CSS),
    Answer("Scripts.", media=SCRIPT),
    Answer("Pictures.", media=SVG),
)


def routes() -> Sequence[Route]:
    """Reads the files, so that a server shows those it started with."""
    page = home.Page()
    return (
        Route(
            method="GET",
            path="/",
            handler=page.index,
            scope=None,
            tag=_TAG,
            summary="A page to try the model, and to watch the deployment",
            answers=(Answer("The page.", media=HTML),),
        ),
        Route(
            method="GET",
            path=home.PREFIX + "{name}",
            handler=page.part,
            scope=None,
            places={"name": "The file's name."},
            tag=_TAG,
            summary="What the page is made of",
            answers=_PARTS,
            errors=(404,),
        ),
    )
