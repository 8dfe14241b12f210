"""`penstock bench latency`: how long one batch takes, from the first byte sent to the last token. Knows no rate."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from penstock.bench import result
from penstock.bench.bodies import BodyMaker
from penstock.bench.client import Client, connect
from penstock.bench.command_line import Usage, parse_some
from penstock.bench.datasets import make_samples
from penstock.bench.errors import BenchError
from penstock.bench.load import run_load
from penstock.bench.own_server import model_first, reach
from penstock.bench.own_settings import ElsewhereSettings, LatencySettings, ServerSettings
from penstock.bench.records import Record
from penstock.bench.samples import Sample
from penstock.bench.settings import DatasetSettings, SamplingSettings
from penstock.bench.spread import Spread, spread
from penstock.bench.target import Target

SCHEMA = "penstock-bench-latency/1"
PERCENTS = (10, 25, 50, 75, 90, 99)
USAGE = Usage(
    "penstock bench latency",
    """\
Time one batch of random prompts, all sent together, until its last token: a server is started for it on a
port of its own, loaded with nothing else, and stopped. HTTP is included. Every batch has new prompts, so that
no prefix cache helps. A setting that is not listed here goes to `penstock serve`.""",
    """\
  penstock bench latency                                          brook, 8 prompts of 32 tokens, 128 out
  penstock bench latency MODEL --batch-size 1 --input-len 512
  penstock bench latency MODEL --dtype bfloat16 --cpu-threads 4   the last two are for `penstock serve`
  penstock bench latency --base-url http://host:8000              a server that runs already
""",
)


def main(argv: Sequence[str]) -> int:
    """Raises PenstockError."""
    structs: list[type[msgspec.Struct]] = [LatencySettings, ServerSettings, ElsewhereSettings]
    (batch, server, elsewhere), rest = parse_some(USAGE, structs, model_first(argv))
    with reach(server, elsewhere, rest) as target:
        seconds = uvloop.run(_measure(batch, target))
    found = spread(seconds)
    assert found is not None
    _print(batch, found)
    if server.output_json:
        result.write(Path(server.output_json), _as_json(batch, found, seconds))
    return 0


async def _measure(batch: LatencySettings, target: Target) -> list[float]:
    """Seconds of each counted batch, in order."""
    async with connect(target) as client:
        model = target.model or await client.first_model()
        body_of = BodyMaker(model, target.endpoint, SamplingSettings(ignore_eos=True))
        seconds = [
            await _one(client, body_of, _samples(batch, number, target))
            for number in range(batch.num_iters_warmup + batch.num_iters)
        ]
    return seconds[batch.num_iters_warmup :]


def _samples(batch: LatencySettings, number: int, target: Target) -> list[Sample]:
    dataset = DatasetSettings(
        num_prompts=batch.batch_size,
        input_len=batch.input_len,
        output_len=batch.output_len,
        random_token_ids=batch.random_token_ids,
        seed=batch.seed + number,
    )
    return make_samples(dataset, target.endpoint)


async def _one(client: Client, body_of: BodyMaker, samples: list[Sample]) -> float:
    """Seconds until all have their last token. Raises BenchError."""

    async def send(sample: Sample) -> Record:
        return await client.send(sample, body_of)

    started = time.perf_counter()
    run = await run_load(send, samples, [0.0] * len(samples), None, lambda _: None)
    if run.errors:
        raise BenchError(run.errors[0])
    return max(record.times[-1] for record in run.records) - started


def _print(batch: LatencySettings, found: Spread) -> None:
    print(
        f"batch of {batch.batch_size}, {batch.input_len} tokens in, {batch.output_len} out, "
        f"{batch.num_iters} times"
    )
    print(f"Avg latency: {found.mean:.4f} seconds")
    for percent in PERCENTS:
        print(f"{percent}% percentile latency: {found.percentile(percent):.4f} seconds")


def _as_json(batch: LatencySettings, found: Spread, seconds: list[float]) -> result.Json:
    return {
        "schema": SCHEMA,
        **msgspec.structs.asdict(batch),
        "avg_latency": found.mean,
        "latencies": seconds,
        "percentiles": {str(percent): found.percentile(percent) for percent in PERCENTS},
    }
