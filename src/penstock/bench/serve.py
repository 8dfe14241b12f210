"""`penstock bench serve`: load on any OpenAI-compatible server. Knows the parts, not their work."""

import sys
from collections.abc import Sequence

import msgspec
import uvloop
from msgspec.structs import replace

from penstock.bench import drawing, metrics, result
from penstock.bench.arrivals import offsets_s
from penstock.bench.bodies import BodyMaker
from penstock.bench.client import Client, connect
from penstock.bench.command_line import Usage, pairs, parse
from penstock.bench.datasets import make_samples
from penstock.bench.datasets.measure import UNMEASURED, Measure
from penstock.bench.load import run_load
from penstock.bench.measuring import MADE_UP, measure, notes
from penstock.bench.plot_run import draw_run
from penstock.bench.progress import Progress
from penstock.bench.records import Record, Run
from penstock.bench.report import report, warnings
from penstock.bench.samples import Sample
from penstock.bench.settings import (
    SERVE,
    DatasetSettings,
    ReportSettings,
    SamplingSettings,
    TrafficSettings,
)
from penstock.bench.target import Target, make_target
from penstock.protocol import flags

USAGE = Usage(
    "penstock bench serve",
    """\
Send requests to an OpenAI-compatible server, any server, and report throughput, latencies and goodput.
Flags are those of other load generators; docs/benchmarking.md says what each figure means.""",
    """\
  penstock bench serve                              1000 random prompts to port 8000, all at once
  penstock bench serve --random-input-len 256 --random-output-len 128 --ignore-eos \\
      --num-prompts 64 --max-concurrency 16         16 at a time, full-length answers
  penstock bench serve --request-rate 4 --goodput ttft:200 tpot:50
                                                    Poisson arrivals; how many kept the promise
  penstock bench serve --backend openai-chat --base-url https://host --model m \\
      --dataset-name custom --dataset-path mine.jsonl
  penstock bench serve --dataset-name prefix_repetition --prefix-repetition-num-prefixes 4
  penstock bench serve --save-result --label A --plot run.png
""",
)


WARM_UP_SEED = 1_000_003


class Asked(msgspec.Struct, frozen=True):
    """Everything that was checked before the first request."""

    target: Target
    samples: list[Sample]
    dataset: DatasetSettings
    sampling: SamplingSettings
    traffic: TrafficSettings
    report: ReportSettings
    bounds: metrics.Bounds | None
    shown: list[metrics.Metric]
    percents: list[float]
    metadata: dict[str, str]


def main(argv: Sequence[str]) -> int:
    """0 when any request succeeded, 1 when none did. Raises PenstockError."""
    asked = _read(argv)
    model, run = uvloop.run(_measure(asked))
    summary = metrics.summarize(run, asked.bounds)
    for warning in warnings(run, summary):
        print(f"warning: {warning}", file=sys.stderr)
    if not summary.completed:
        return 1
    described = result.describe_run(asked.target, model, asked.dataset, asked.traffic, asked.report)
    found = {**described, **asked.metadata, **result.measured(run, summary, asked.percents)}
    print(report(summary, found, asked.shown, asked.percents))
    _keep(asked.report, found, run)
    return 0


def _read(argv: Sequence[str]) -> Asked:
    target, dataset, sampling, traffic, shown = parse(USAGE, SERVE, argv)
    for notice in flags.inert_notices(dataset):
        print(f"note: {notice}", file=sys.stderr)
    if shown.plot:
        drawing.check()
    where = make_target(target)
    return Asked(
        target=where,
        samples=make_samples(dataset, where.endpoint),
        dataset=dataset,
        sampling=sampling,
        traffic=traffic,
        report=shown,
        bounds=metrics.parse_goodput(shown.goodput),
        shown=metrics.parse_metrics(shown.percentile_metrics),
        percents=metrics.parse_percentiles(shown.metric_percentiles),
        metadata=pairs("--metadata", shown.metadata, "="),
    )


async def _measure(asked: Asked) -> tuple[str, Run]:
    """The model's name, and what happened."""
    target, traffic = asked.target, asked.traffic
    async with connect(target) as client:
        if target.ready_timeout_s:
            await client.wait_until_ready(target.ready_timeout_s)
        model = target.model or await client.first_model()
        body_of = BodyMaker(model, target.endpoint, asked.sampling)
        found = await _fit_for(client, asked, model)
        samples = make_samples(asked.dataset, target.endpoint, found)
        for note in notes(target.endpoint, found, samples):
            print(f"note: {note}", file=sys.stderr)
        _announce(asked, model)
        await _warm_up(client, asked, body_of, found)
        offsets = offsets_s(
            len(samples), traffic.request_rate, traffic.burstiness, asked.dataset.seed
        )
        progress = Progress(len(samples), not traffic.disable_tqdm, sys.stderr)

        async def send(sample: Sample) -> Record:
            return await client.send(sample, body_of)

        return model, await run_load(send, samples, offsets, traffic.max_concurrency, progress.tell)


async def _fit_for(client: Client, asked: Asked, model: str) -> Measure:
    """Prompts from files are as long as they are."""
    if asked.dataset.dataset_name not in MADE_UP:
        return UNMEASURED
    return await measure(client, model, asked.target.endpoint)


def _announce(asked: Asked, model: str) -> None:
    rate, limit = asked.traffic.request_rate, asked.traffic.max_concurrency
    print(
        f"{len(asked.samples)} requests of {asked.dataset.dataset_name} to {asked.target.url}, "
        f"model {model}, rate {rate:g}/s, {'any number' if limit is None else limit} at once",
        file=sys.stderr,
    )


async def _warm_up(client: Client, asked: Asked, body_of: BodyMaker, found: Measure) -> None:
    """Prompts of another seed: a prefix cache must not know those that are measured."""
    count = asked.traffic.num_warmups
    if not count:
        return
    others = replace(asked.dataset, num_prompts=count, seed=asked.dataset.seed + WARM_UP_SEED)
    samples = make_samples(others, asked.target.endpoint, found)

    async def send(sample: Sample) -> Record:
        return await client.send(sample, body_of)

    await run_load(
        send, samples, [0.0] * len(samples), asked.traffic.max_concurrency, lambda _: None
    )


def _keep(shown: ReportSettings, found: result.Json, run: Run) -> None:
    if shown.save_result or shown.append_result:
        path = result.file_path(shown, found)
        whole = {**found, **result.detailed(run)} if shown.save_detailed else found
        result.write(path, whole, appends=shown.append_result)
        print(f"saved to {path}")
    if shown.plot:
        draw_run(found, shown.plot)
        print(f"drawn into {shown.plot}")
