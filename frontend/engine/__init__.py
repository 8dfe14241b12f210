"""Tokens from the engine core, as streams that outlive it. Knows no HTTP and no text."""

from penstock.frontend.engine.client import EngineClient
from penstock.frontend.engine.errors import BrokenStreamError, LimitedError, RefusedError
from penstock.frontend.engine.mailbox import Update
from penstock.frontend.engine.reservations import Reservation, Wish
from penstock.frontend.engine.spec import GenerateSpec
from penstock.frontend.engine.token_stream import TokenStream

__all__ = [
    "BrokenStreamError",
    "EngineClient",
    "GenerateSpec",
    "LimitedError",
    "RefusedError",
    "Reservation",
    "TokenStream",
    "Update",
    "Wish",
]
