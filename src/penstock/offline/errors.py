"""What a Python program may catch, besides PenstockError. Knows no HTTP status but those it translates.

PenstockError
|-- RequestError       also a ValueError: a prompt or a parameter is wrong; the message names it
|-- UnsupportedError   also a NotImplementedError: this version cannot do it
`-- EngineStartError   the engine core did not come up; the message holds its last lines
"""

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.frontend.engine import RefusedError
from penstock.frontend.errors import ApiError, translate
from penstock.frontend.text import TextError
from penstock.protocol.errors import EngineGoneError, PenstockError


class RequestError(PenstockError, ValueError):
    """A prompt or a parameter is wrong; nothing of the batch was run."""


class UnsupportedError(PenstockError, NotImplementedError):
    """This version cannot do it."""


class EngineStartError(PenstockError):
    """The engine core did not come up."""


def translated(error: PenstockError, place: str = "") -> PenstockError:
    """The front end's words as an error of this package; `place` says which prompt of a batch."""
    match error:
        case UnsupportedError() | EngineGoneError():
            return error
        case ApiError() | RefusedError() | TextError():
            told = translate(error)
            kind = PenstockError if told.status >= 500 else RequestError
            return kind(f"{place}{told}")
        case RequestError():
            return RequestError(f"{place}{error}")
        case _:
            return error


@contextmanager
def placed(name: str, index: int, num: int) -> Iterator[None]:
    """Says which of several prompts an error is about."""
    try:
        yield
    except PenstockError as error:
        raise translated(error, f"{name}[{index}]: " if num > 1 else "") from error
