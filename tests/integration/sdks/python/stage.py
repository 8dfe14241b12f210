"""Plays a client's scenes and prints what each saw, a JSON line each. Knows no SDK.

A client program calls `play(connect, scene, ...)`; its first argument is the server's base URL.
"""

import contextlib
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

Client = TypeVar("Client")
Seen = dict[str, Any]
ASKED: dict[str, str] = json.loads(Path(__file__).parents[1].joinpath("questions.json").read_text())


def play(connect: Callable[[str], Client], *scenes: Callable[[Client], Seen]) -> None:
    """Runs each scene with a client of its own; one that fails does not stop the next."""
    elsewhere = _stay_local()
    for scene in scenes:
        with _quiet():
            line = _seen(lambda scene=scene: scene(connect(sys.argv[1])))
        print(json.dumps({"scene": scene.__name__, **line}), flush=True)
    print(json.dumps({"scene": "network", "seen": {"elsewhere": sorted(elsewhere)}}), flush=True)


def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return ASKED["weather_report"]


def calculator(expression: str) -> str:
    """Evaluate an arithmetic expression."""
    left, right = expression.split("*")
    return str(int(left) * int(right))


def _seen(scene: Callable[[], Seen]) -> Seen:
    try:
        return {"seen": scene()}
    except Exception:
        return {"error": traceback.format_exc()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Standard output is for the lines alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _stay_local() -> set[str]:
    """From here on, any other host is out of reach; the set names those that were tried."""
    tried: set[str] = set()

    def watch(event: str, args: tuple[Any, ...]) -> None:
        host = _host(event, args)
        if host is not None and host not in ("127.0.0.1", "::1", "localhost"):
            tried.add(host)
            raise OSError(f"{host} is out of bounds")

    sys.addaudithook(watch)
    return tried


def _host(event: str, args: tuple[Any, ...]) -> str | None:
    if event == "socket.getaddrinfo" and args[0]:
        return args[0].decode() if isinstance(args[0], bytes) else str(args[0])
    if event == "socket.connect" and isinstance(args[1], tuple):
        return str(args[1][0])
    return None
