"""Settings of the benchmarks that start a server of their own. Knows no meaning of flags."""

from typing import Annotated

import msgspec
from msgspec import Meta

from penstock.bench.settings import Length, TargetSettings
from penstock.protocol.settings.field import described


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The server that is started (any further setting is given to `penstock serve`)."""

    model: Annotated[
        str | None, described("What to serve (or to ask for, with --base-url); default: brook.")
    ] = None
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None, described("Its port; default: a free one.")
    ] = None
    ready_timeout_s: Annotated[
        float, Meta(gt=0, description="Give up when it is not ready by then.")
    ] = 900
    output_json: Annotated[str | None, described("Write the figures to this file as JSON.")] = None


class ElsewhereSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A server that runs already, in place of one of its own."""

    base_url: Annotated[str | None, described("Its address, e.g. http://host:8000.")] = None
    api_key: Annotated[str | None, described("Sent as a bearer token.", env=["OPENAI_API_KEY"])] = (
        None
    )

    def target(self, model: str | None) -> TargetSettings:
        return TargetSettings(base_url=self.base_url, api_key=self.api_key, model=model)


class LatencySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One batch, again and again."""

    input_len: Annotated[int, Meta(ge=1, description="Tokens of each prompt.")] = 32
    output_len: Annotated[int, Meta(ge=1, description="Output tokens of each.")] = 128
    batch_size: Annotated[int, Meta(ge=1, description="Prompts sent together.")] = 8
    num_iters_warmup: Annotated[int, Meta(ge=0, description="Batches not counted.")] = 10
    num_iters: Annotated[int, Meta(ge=1, description="Batches counted.")] = 30
    seed: Annotated[int, described("Seeds the prompts; each batch has new ones.")] = 0
    random_token_ids: Annotated[str, described("Ids to draw from, LOW:HIGH (HIGH excluded).")] = (
        "1000:3000"
    )


class StartupSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often to start."""

    num_iters_cold: Annotated[
        int, Meta(ge=0, description="Starts with Penstock's own cache empty.")
    ] = 3
    num_iters_warmup: Annotated[
        int, Meta(ge=0, description="Starts not counted, between the two.")
    ] = 1
    num_iters_warm: Annotated[
        int, Meta(ge=0, description="Starts with the cache that those left behind.")
    ] = 3


class ThroughputSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a throughput run."""

    num_warmups: Annotated[int, Meta(ge=0, description="Requests not counted, before.")] = 0
    max_concurrency: Annotated[
        Length | None, described("At most so many requests open at once; default: all.")
    ] = None
    disable_tqdm: Annotated[bool, described("Show no progress.")] = False
