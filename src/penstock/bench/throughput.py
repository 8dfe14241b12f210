"""`penstock bench throughput`: all prompts at once, until all are answered. Knows no single latency."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop
from msgspec.structs import replace

from penstock.bench import metrics, result
from penstock.bench.bodies import BodyMaker
from penstock.bench.client import connect
from penstock.bench.command_line import Usage, parse_some
from penstock.bench.datasets import make_samples
from penstock.bench.load import run_load
from penstock.bench.own_server import model_first, reach
from penstock.bench.own_settings import ElsewhereSettings, ServerSettings, ThroughputSettings
from penstock.bench.progress import Progress
from penstock.bench.records import Record, Run
from penstock.bench.report import warnings
from penstock.bench.samples import Sample
from penstock.bench.settings import DatasetSettings, SamplingSettings
from penstock.bench.target import Target

SCHEMA = "penstock-bench-throughput/1"
WARM_UP_SEED = 1_000_003
USAGE = Usage(
    "penstock bench throughput",
    """\
Send all prompts at once and time until the last answer: a server is started for it on a port of its own, with
queues that hold them all, and stopped. HTTP is included. Answers are of full length.
A setting that is not listed here goes to `penstock serve`.""",
    """\
  penstock bench throughput --num-prompts 100 --input-len 256 --output-len 128
  penstock bench throughput MODEL --num-prompts 64 --max-num-seqs 64   the last is for `penstock serve`
  penstock bench throughput --base-url http://host:8000 --num-prompts 64
  penstock bench throughput --dataset-name sharegpt --dataset-path ShareGPT.json --tokenizer MODEL
""",
)


def main(argv: Sequence[str]) -> int:
    """0 when any request succeeded. Raises PenstockError."""
    structs: list[type[msgspec.Struct]] = [
        ThroughputSettings, ServerSettings, ElsewhereSettings, DatasetSettings
    ]  # fmt: skip
    (how, server, elsewhere, dataset), rest = parse_some(USAGE, structs, model_first(argv))
    samples = make_samples(dataset, "completions")
    own_queue = [] if elsewhere.base_url else _queue_flags(samples)
    with reach(server, elsewhere, [*own_queue, *rest]) as target:
        run = uvloop.run(_measure(how, dataset, samples, target))
    summary = metrics.summarize(run, None)
    for warning in warnings(run, summary):
        print(f"warning: {warning}", file=sys.stderr)
    if not summary.completed:
        return 1
    found = _as_json(summary, dataset)
    _print(found)
    if server.output_json:
        result.write(Path(server.output_json), found)
    return 0


def _queue_flags(samples: Sequence[Sample]) -> list[str]:
    """A queue that refuses nothing, for `penstock serve`; given again, the operator's wins."""
    tokens = sum(sample.num_input_tokens for sample in samples)
    return [f"--max-num-queued-reqs={len(samples) + 1}", f"--max-num-queued-tokens={2 * tokens}"]


async def _measure(
    how: ThroughputSettings, dataset: DatasetSettings, samples: list[Sample], target: Target
) -> Run:
    async with connect(target) as client:
        model = target.model or await client.first_model()
        body_of = BodyMaker(model, target.endpoint, SamplingSettings(ignore_eos=True))

        async def send(sample: Sample) -> Record:
            return await client.send(sample, body_of)

        for sample in _warm_ups(how, dataset):
            await send(sample)
        progress = Progress(len(samples), not how.disable_tqdm, sys.stderr)
        return await run_load(
            send, samples, [0.0] * len(samples), how.max_concurrency, progress.tell
        )


def _warm_ups(how: ThroughputSettings, dataset: DatasetSettings) -> list[Sample]:
    """Prompts of another seed: a prefix cache must not know those that are measured."""
    if not how.num_warmups:
        return []
    others = replace(dataset, num_prompts=how.num_warmups, seed=dataset.seed + WARM_UP_SEED)
    return make_samples(others, "completions")


def _as_json(summary: metrics.Summary, dataset: DatasetSettings) -> result.Json:
    tokens = summary.num_input_tokens + summary.num_output_tokens
    return {
        "schema": SCHEMA,
        "dataset_name": dataset.dataset_name,
        "elapsed_time": summary.duration_s,
        "num_requests": summary.completed,
        "failed": summary.failed,
        "total_num_tokens": tokens,
        "total_output_tokens": summary.num_output_tokens,
        "requests_per_second": summary.per_second(summary.completed),
        "tokens_per_second": summary.per_second(tokens),
        "output_tokens_per_second": summary.per_second(summary.num_output_tokens),
    }


def _print(found: result.Json) -> None:
    print(
        f"Throughput: {found['requests_per_second']:.2f} requests/s, "
        f"{found['tokens_per_second']:.2f} total tokens/s, "
        f"{found['output_tokens_per_second']:.2f} output tokens/s"
    )
    print(f"Total num prompt tokens:  {found['total_num_tokens'] - found['total_output_tokens']}")
    print(f"Total num output tokens:  {found['total_output_tokens']}")
    print(f"Elapsed: {found['elapsed_time']:.2f} s, {found['failed']} failed")
