"""A run as JSON: the names other load generators use, and what plots need. Knows no screen.

docs/benchmarking.md describes every field.
"""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.bench.metrics import Summary
from penstock.bench.records import Run
from penstock.bench.settings import DatasetSettings, ReportSettings, TrafficSettings
from penstock.bench.target import Target
from penstock.bench.timeline import sliced, timeline
from penstock.protocol.errors import SettingsError

SCHEMA = "penstock-bench-serve/1"
Json = dict[str, Any]


def describe_run(
    target: Target,
    model: str,
    dataset: DatasetSettings,
    traffic: TrafficSettings,
    report: ReportSettings,
) -> Json:
    """What was asked, by whom and how."""
    backend = "openai-chat" if target.endpoint == "chat" else "openai"
    return {
        "schema": SCHEMA,
        "date": time.strftime("%Y%m%d-%H%M%S"),
        "backend": backend,
        "endpoint_type": backend,
        "base_url": target.base_url,
        "endpoint": target.path,
        "label": report.label,
        "model_id": model,
        "tokenizer_id": None,
        "dataset_name": dataset.dataset_name,
        "seed": dataset.seed,
        "num_prompts": dataset.num_prompts,
        "request_rate": "inf" if math.isinf(traffic.request_rate) else traffic.request_rate,
        "burstiness": traffic.burstiness,
        "max_concurrency": traffic.max_concurrency,
    }


def measured(run: Run, summary: Summary, percentiles: Sequence[float]) -> Json:
    """What came out."""
    output, total = summary.num_output_tokens, summary.num_input_tokens + summary.num_output_tokens
    within = summary.num_within_bounds
    slices = timeline(run.good, run.started, run.duration_s)
    return {
        "duration": summary.duration_s,
        "completed": summary.completed,
        "failed": summary.failed,
        "total_input_tokens": summary.num_input_tokens,
        "total_output_tokens": output,
        "request_throughput": summary.per_second(summary.completed),
        "request_goodput": None if within is None else summary.per_second(within),
        "output_throughput": summary.per_second(output),
        "total_token_throughput": summary.per_second(total),
        "max_output_tokens_per_s": peak_throughput(run),
        "max_concurrent_requests": summary.max_concurrent,
        "num_short_answers": summary.num_short,
        "num_uncounted_answers": summary.num_uncounted,
        "client_cpu_share": summary.client_cpu_share,
        **_spreads(summary, percentiles),
        "quantiles_ms": _quantiles(summary),
        "timeline": {"slice_s": slices.slice_s, "output_tokens": slices.output_tokens},
    }


def peak_throughput(run: Run) -> float:
    """Output tokens of the best whole second; of the whole run when it was shorter."""
    seconds = sliced(run.good, run.started, run.duration_s, 1.0)
    return max(seconds[:-1] or [seconds[0] / run.duration_s])


def _spreads(summary: Summary, percentiles: Sequence[float]) -> Json:
    found: Json = {}
    for metric, values in summary.spreads.items():
        found[f"mean_{metric}_ms"] = values.mean
        found[f"median_{metric}_ms"] = values.median
        found[f"std_{metric}_ms"] = values.std
        for percent in percentiles:
            found[f"p{percent:g}_{metric}_ms"] = values.percentile(percent)
    return found


def _quantiles(summary: Summary) -> Json:
    """0, 1, ..., 100 percent of each metric: enough to draw its distribution again."""
    return {m: [s.percentile(p) for p in range(101)] for m, s in summary.spreads.items()}


def detailed(run: Run) -> Json:
    """Every request, in order; of failed ones only the error."""
    return {
        "input_lens": [record.num_input_tokens for record in run.records],
        "output_lens": [record.num_output_tokens for record in run.records],
        "start_times": [record.started - run.started for record in run.records],
        "ttfts": [record.ttft_s if record.ok else 0.0 for record in run.records],
        "itls": [record.itls_s if record.ok else [] for record in run.records],
        "errors": [record.error or "" for record in run.records],
    }


def file_path(report: ReportSettings, described: Mapping[str, Any]) -> Path:
    """Where the result goes, by name or by what the run was."""
    name = report.result_filename
    if name is None:
        label = report.label or described["backend"]
        limit = described["max_concurrency"]
        concurrency = "" if limit is None else f"-concurrency{limit}"
        model = str(described["model_id"]).rsplit("/", 1)[-1]
        rate = described["request_rate"]
        name = f"{label}-{rate}qps{concurrency}-{model}-{described['date']}.json"
    return Path(report.result_dir or ".") / name


def write(path: Path, result: Json, appends: bool = False) -> None:
    """One line of JSON. Raises SettingsError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if appends else "wb") as file:
            file.write(msgspec.json.encode(result) + b"\n")
    except OSError as error:
        raise SettingsError(f"the result cannot be written to {path}: {error.strerror}") from error
