"""Steps in which every row has one token, as captured graphs. Knows sizes and inputs, not what a model does with them.

    rows of a step    [ row 0 | row 1 | row 2 | padding ]      up to the next size that there is a graph for

All graphs share one set of inputs and one output, which stay where they are: no two steps run at once. A graph is
captured over padding alone, which leaves no trace, and replayed over whatever lies in the inputs then. What they take
of the device is set aside before (`bytes_of_graphs`); where they take more, no further ones are captured.

R rows, P = R + 1, B blocks of a row, D hidden size.
"""

import logging
import time
from bisect import bisect_left
from collections.abc import Callable

import torch

from penstock.kernels.rows import Rows
from penstock.workers.batch import Batch
from penstock.workers.batching import pad_inputs
from penstock.workers.device.graph_sizes import extent_of_rows, sizes_up_to
from penstock.workers.device.last_tokens import LastTokens
from penstock.workers.device.stream import Stream
from penstock.workers.device.uploads import Uploads
from penstock.workers.extent import Extent
from penstock.workers.sampler.rows import Ints
from penstock.workers.step_inputs import StepInputs, inputs_in

log = logging.getLogger("penstock.worker")


class DecodeGraphs:
    """`hidden_RD` is the output, and says how many rows there may be; `longest` and `num_blocks` are the longest row's
    tokens and blocks. `allowed_bytes` were set aside for all of them, if that is known."""

    def __init__(
        self,
        stream: Stream,
        uploads: Uploads,
        forward: Callable[[Batch], torch.Tensor],
        last: LastTokens,
        hidden_RD: torch.Tensor,
        longest: int,
        num_blocks: int,
        *,
        has_peers: bool,
        allowed_bytes: int | None = None,
    ) -> None:
        self._stream = stream
        self._uploads = uploads
        self._forward = forward
        self._last = last
        self._hidden_RD = hidden_RD
        self._longest = longest
        self._has_peers = has_peers
        self._allowed_bytes = allowed_bytes
        self._sizes = sizes_up_to(len(hidden_RD))
        self._replays: dict[int, Callable[[], None]] = {}
        device, most = stream.device, extent_of_rows(len(hidden_RD), num_blocks)
        self._flat = torch.zeros(most.num_bytes, dtype=torch.uint8, device=device)
        self._tables_RB = torch.zeros(most.rows, num_blocks, dtype=torch.int32, device=device)

    def size_for(self, counts_R: Ints, num_samples: int) -> int | None:
        """The size of the graph that does a step; None for a step that none does. Captures it on first use."""
        num_rows = len(counts_R)
        if not self._sizes or not num_rows == num_samples <= self._sizes[-1]:
            return None
        if (counts_R != 1).any():
            return None
        size = self._sizes[bisect_left(self._sizes, num_rows)]
        return size if size in self._replays or self._capture(size) else None

    def run(
        self, size: int, num_blocks: int, fill: Callable[[StepInputs], None]
    ) -> tuple[torch.Tensor, StepInputs]:
        """The output of `size` rows, overwritten by the next run, and the inputs as `fill` has left them.

        `num_blocks` is those of this step's longest row.
        """
        inputs = self._send(extent_of_rows(size, num_blocks), fill)
        self._tables_RB[:size, :num_blocks].copy_(inputs.block_tables_RB)
        self._replays[size]()
        return self._hidden_RD[:size], inputs

    def prepare(self) -> bool:
        """Captures the largest that is missing; whether there is more to do.

        Ranks that share layers have to capture together, and are idle at different times: they wait for first use.
        """
        if self._has_peers:
            return False
        missing = [size for size in self._sizes if size not in self._replays]
        return bool(missing) and self._capture(missing[-1]) and len(missing) > 1

    def _send(self, extent: Extent, fill: Callable[[StepInputs], None]) -> StepInputs:
        flat = self._flat[: extent.num_bytes]
        self._uploads.send(flat, lambda staged: fill(inputs_in(staged, extent)))
        return inputs_in(flat, extent)

    def _capture(self, size: int) -> bool:
        """Whether it could be done. With peers it has to: they would go on with other calls than this rank."""
        started = time.perf_counter()
        try:
            self._replays[size] = self._stream.capture(self._work(size))
        except RuntimeError as error:
            if self._has_peers:
                raise
            log.warning(
                "no CUDA graphs, as with --enforce-eager: the one for %d rows: %s", size, error
            )
            self._sizes = ()
            return False
        seconds, done = time.perf_counter() - started, len(self._replays)
        log.info("CUDA graph for %d rows: %.2f s (%d of %d)", size, seconds, done, len(self._sizes))
        self._stop_where_too_large()
        return True

    def _stop_where_too_large(self) -> None:
        """What they take beyond what was set aside, the next large step would miss. Ranks with peers capture alike."""
        taken, allowed = self._stream.captured_bytes, self._allowed_bytes
        if self._has_peers or allowed is None or taken <= allowed:
            return
        self._sizes = tuple(size for size in self._sizes if size in self._replays)
        log.warning(
            "CUDA graphs take %d bytes, %d were set aside: no more than these are captured, for %s rows",
            taken, allowed, ", ".join(map(str, self._sizes)),
        )  # fmt: skip

    def _work(self, size: int) -> Callable[[], None]:
        inputs = self._send(extent_of_rows(size, 0), pad_inputs)
        rows = Rows(
            (1,) * size, (self._longest,) * size, 1, size,
            inputs.starts_P, inputs.context_R, self._tables_RB[:size],
        )  # fmt: skip

        def work() -> None:
            token_ids_R = self._last.look_up(inputs.token_ids_T)
            batch = Batch(token_ids_R, inputs.positions_T, inputs.cache_slots_T, rows)
            self._hidden_RD[:size].copy_(self._forward(batch))

        return work
