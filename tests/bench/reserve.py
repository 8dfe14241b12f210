"""What a place under the limits costs: in the ledger, and as a front end waits for it.

Run by hand: PYTHONPATH=tests python -P tests/bench/reserve.py
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from support.engine import Engine

from penstock.engine_core.limits.ledger import Ledger
from penstock.engine_core.limits.reservation import Reservation
from penstock.engine_core.limits.rules import RuleBook
from penstock.frontend.engine import EngineClient, Wish
from penstock.protocol.keys import Holder, KeyFile, Quotas
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings

NUM = 5000
QUOTAS = Quotas(
    requests_per_minute=10**6,
    requests_per_day=10**6,
    tokens_per_minute=10**9,
    tokens_per_day=10**9,
    max_concurrent=10**6,
)
FILE = """
[[keys]]
name = "a"
key = "k"
quotas = { requests_per_minute = 1000000, tokens_per_day = 1000000000 }
"""


def ledger_us() -> float:
    """One request under five bounds of its own and five of all together, reserved and settled."""
    book = RuleBook(None, KeyFile(keys=[Holder(name="a", key="k", quotas=QUOTAS)], total=QUOTAS))
    ledger, now = Ledger(book), 0.0
    begun = time.process_time()
    for _ in range(NUM):
        now += 0.01
        reservation = Reservation("a", 100, 100)
        ledger.reserve(reservation, now)
        ledger.settle(reservation, now)
    return 1e6 * (time.process_time() - begun) / NUM


async def round_trips_us(endpoint: str) -> list[float]:
    client = EngineClient(FrontendSettings(endpoint=endpoint), Registry())
    await client.start()
    await client.wait_ready(30)
    times = []
    for _ in range(NUM):
        begun = time.perf_counter()
        client.settle(await client.reserve(Wish("a", 100, 100)))
        times.append(1e6 * (time.perf_counter() - begun))
    await client.close()
    return sorted(times)


def main() -> None:
    print(f"ledger: {ledger_us():.1f} us for a request under ten bounds")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.toml"
        path.write_text(FILE)
        with Engine("--api-key-file", str(path)) as engine:
            times = asyncio.run(round_trips_us(engine.endpoint))
    p99 = times[int(0.99 * len(times))]
    print(
        f"reserve and settle, idle engine: median {statistics.median(times):.0f} us, p99 {p99:.0f} us"
    )


if __name__ == "__main__":
    main()
