"""`penstock bench startup`: from the command to ready, step by step, and who holds how much memory. Knows no requests.

Seconds are counted from the moment the command is started until it is seen, every 20 ms, that

supervisor   it has started its programs              (its children in /proc)
front end    one answers                              (GET /ping)
worker       the weights are loaded                   (the engine core's log)
ready        requests are taken                       (GET /ready)
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from penstock.bench import result
from penstock.bench.command_line import Usage, parse_some
from penstock.bench.own_server import DEFAULT_MODEL, check_serve_flags, model_first
from penstock.bench.own_settings import ServerSettings, StartupSettings
from penstock.bench.private_server import POLL_S, PrivateServer
from penstock.bench.processes import descendants, resident_bytes
from penstock.bench.spread import spread
from penstock.protocol.errors import SettingsError

SCHEMA = "penstock-bench-startup/1"
STEPS = ("supervisor", "front end", "worker", "ready")
WEIGHTS_LOADED = "worker 0: allocating the KV cache"
"""What the engine core logs once every rank has its weights."""
MEANING = """\
cold: Penstock's own cache (PENSTOCK_CACHE) is empty; warm: it is what earlier starts left there. The system's
page cache is left alone: a model that was read lately is in memory in both."""
USAGE = Usage(
    "penstock bench startup",
    f"""\
Start `penstock serve MODEL` again and again and time each step to ready, then read each process's memory.
{MEANING}
A setting that is not listed here goes to `penstock serve`.""",
    """\
  penstock bench startup                                    brook, 3 cold starts, 3 warm ones
  penstock bench startup MODEL --num-iters-cold 1 --num-iters-warm 5
  penstock bench startup MODEL --api-server-count 4         the last is for `penstock serve`
""",
)


class Start(msgspec.Struct, frozen=True):
    """One start: seconds to each step, and resident bytes of each process once ready."""

    seconds: dict[str, float]
    resident_bytes: list[tuple[str, int]]


def main(argv: Sequence[str]) -> int:
    """Raises PenstockError."""
    structs: list[type[msgspec.Struct]] = [StartupSettings, ServerSettings]
    (times, server), flags = parse_some(USAGE, structs, model_first(argv))
    if not times.num_iters_cold + times.num_iters_warm:
        raise SettingsError("--num-iters-cold and --num-iters-warm: nothing to do with both at 0")
    check_serve_flags(flags)
    # Weights are told at this level; a later --log-level of the operator's would hide them.
    flags = [*flags, "--log-level=info"]
    starts = {"cold": _cold(times, server, flags), "warm": _warm(times, server, flags)}
    _print(starts)
    if server.output_json:
        result.write(Path(server.output_json), _as_json(server, starts))
    return 0


def _cold(times: StartupSettings, server: ServerSettings, flags: list[str]) -> list[Start]:
    starts = []
    for _ in range(times.num_iters_cold):
        with tempfile.TemporaryDirectory(prefix="penstock-cold-") as cache:
            starts.append(start_once(server, flags, {"PENSTOCK_CACHE": cache}))
    return starts


def _warm(times: StartupSettings, server: ServerSettings, flags: list[str]) -> list[Start]:
    total = times.num_iters_warmup + times.num_iters_warm if times.num_iters_warm else 0
    starts = [start_once(server, flags, {}) for _ in range(total)]
    return starts[times.num_iters_warmup :]


def start_once(server: ServerSettings, flags: Sequence[str], environ: dict[str, str]) -> Start:
    """Raises BenchError when it does not get ready."""
    model = server.model or DEFAULT_MODEL
    with PrivateServer(model, flags, server.port, environ) as own:
        seen: dict[str, float] = {}
        conditions: dict[str, Callable[[], bool]] = {
            "supervisor": lambda: bool(descendants(own.process.pid)),
            "front end": lambda: own.answers("/ping"),
            "worker": lambda: WEIGHTS_LOADED in own.log(),
            "ready": lambda: own.answers("/ready"),
        }
        while "ready" not in seen:
            own.check_alive(server.ready_timeout_s)
            _look(conditions, seen, own.started)
            time.sleep(POLL_S)
        return Start(seen, resident_bytes(own.process.pid))


def _look(
    conditions: dict[str, Callable[[], bool]], seen: dict[str, float], started: float
) -> None:
    """The last step first: those before it are there then, too, and are seen no later."""
    open_steps = [step for step in conditions if step not in seen]
    reached = [step for step in reversed(open_steps) if conditions[step]()]
    now_s = time.monotonic() - started
    seen.update((step, now_s) for step in reversed(reached))


def _print(starts: dict[str, list[Start]]) -> None:
    print(MEANING)
    print(f"\n{'seconds to':<16}" + "".join(f"{step:>12}" for step in STEPS))
    for kind, some in starts.items():
        for number, one in enumerate(some, 1):
            print(f"{kind} start {number:<5}" + "".join(_cell(one.seconds.get(s)) for s in STEPS))
        if some:
            print(f"{kind + ', median':<16}" + "".join(_cell(median(some, s)) for s in STEPS))
    last = [one for some in starts.values() for one in some][-1]
    print("\nresident memory once ready, MiB (shared libraries counted in each)")
    for name, size in last.resident_bytes:
        print(f"  {name:<14}{size / 2**20:>8.0f}")


def median(starts: Sequence[Start], step: str) -> float | None:
    """Over those starts in which the step was seen."""
    found = spread([one.seconds[step] for one in starts if step in one.seconds])
    return found.median if found else None


def _cell(seconds: float | None) -> str:
    return f"{'not seen' if seconds is None else f'{seconds:.2f}':>12}"


def _as_json(server: ServerSettings, starts: dict[str, list[Start]]) -> result.Json:
    return {
        "schema": SCHEMA,
        "model": server.model or DEFAULT_MODEL,
        **{
            f"{kind}_starts": [msgspec.structs.asdict(one) for one in some]
            for kind, some in starts.items()
        },
        **{
            f"median_{kind}_ready_s": median(some, "ready") for kind, some in starts.items() if some
        },
    }
