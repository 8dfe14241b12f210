"""A step plan in the making, and the record of whose rows it holds. Knows sequences, not why they were chosen."""

from collections.abc import Iterator
from itertools import chain, repeat

from penstock.engine_core.admission import SchedulerConfig
from penstock.engine_core.sequence import Sequence
from penstock.protocol.plan import BlockGrant, SeqStart, StepPlan
from penstock.protocol.token_ids import pack


class ScheduledStep:
    """A plan and the sequences behind it: results are matched to these, never to slots.

    `sampling` are the rows that sample, in row order; `first_tokens` is where a row begins, for rows that
    bring prompt logprobs. `chunks` are the sequences whose prompts are computed, each with how much of it;
    `num_chunked` of the tokens belong to rows of more than one.
    """

    __slots__ = (
        "admitted", "chunks", "first_tokens", "num_chunked", "num_tokens", "plan", "rows", "sampling",
    )  # fmt: skip

    def __init__(
        self,
        plan: StepPlan,
        rows: list[Sequence],
        sampling: list[Sequence],
        admitted: list[Sequence],
        chunks: list[tuple[Sequence, int]],
        first_tokens: dict[int, int],
        num_tokens: int,
        num_chunked: int,
    ) -> None:
        self.plan = plan
        self.rows = rows
        self.sampling = sampling
        self.admitted = admitted
        self.chunks = chunks
        self.first_tokens = first_tokens
        self.num_tokens = num_tokens
        self.num_chunked = num_chunked


class PlanDraft:
    """Collects rows until the token budget is spent."""

    __slots__ = (
        "_admitted",
        "_awaits_tokens",
        "_billed",
        "_block_size",
        "_chunks",
        "_counts",
        "_first_tokens",
        "_grants",
        "_sampling",
        "_slots",
        "_starts",
        "_total",
        "_total_chunks",
        "budget",
        "chunk_budget",
        "rows",
    )

    def __init__(self, config: SchedulerConfig, chunk_budget: int) -> None:
        """`chunk_budget` are tokens of rows that lack more than one."""
        self.budget = self._total = config.max_num_batched_tokens
        self._block_size, self._awaits_tokens = config.block_size, config.awaits_tokens
        self.chunk_budget = self._total_chunks = chunk_budget
        self.rows: list[Sequence] = []
        self._billed = (0, 0, 0)
        self._slots: list[int] = []
        self._counts: list[int] = []
        self._starts: list[SeqStart] = []
        self._grants: list[BlockGrant] = []
        self._sampling: list[Sequence] = []
        self._admitted: list[Sequence] = []
        self._chunks: list[tuple[Sequence, int]] = []
        self._first_tokens: dict[int, int] = {}

    def start(self, sequence: Sequence) -> None:
        """The sequence takes its slot, with the blocks it has."""
        slot, params = sequence.slot, sequence.params
        token_ids = pack(sequence.tokens)
        self._starts.append(
            SeqStart(slot, token_ids, sequence.num_prompt, sequence.num_computed, params)
        )
        self.grant(sequence, [block.id for block in sequence.blocks])
        self._admitted.append(sequence)

    def grant(self, sequence: Sequence, block_ids: list[int]) -> None:
        if block_ids:
            self._grants.append(BlockGrant(sequence.slot, pack(block_ids)))

    def row(self, sequence: Sequence, count: int) -> None:
        """The step computes the sequence's next `count` tokens, and samples if those are its last."""
        if sequence.params.prompt_logprobs is not None:
            self._first_tokens[len(self.rows)] = sequence.num_computed
        self.rows.append(sequence)
        self._slots.append(sequence.slot)
        self._counts.append(count)
        self.budget -= count
        if count > 1 or sequence.num_computed < sequence.num_prompt:
            self._chunks.append((sequence, count))
        sequence.num_computed += count
        is_last = sequence.num_computed == len(sequence.tokens) + sequence.num_pending
        if count > 1 or not is_last:
            self.chunk_budget -= count
        if is_last:
            sequence.num_pending += 1
            self._sampling.append(sequence)

    def decode(self, sequence: Sequence) -> bool:
        """The row of a sequence that lacks its last token alone, where that neither opens nor fills a block.

        Most rows are such: for them this is what `row` and all that goes with it come to. False, and nothing
        done, for any other.
        """
        computed, pending = sequence.num_computed, sequence.num_pending
        place, target = computed % self._block_size, len(sequence.tokens) + pending
        if computed + 1 != target or not 0 < place < self._block_size - 1:
            return False
        if (pending and (self._awaits_tokens or target >= sequence.max_len)) or (
            sequence.params.prompt_logprobs is not None
        ):
            return False
        self.rows.append(sequence)
        self._slots.append(sequence.slot)
        self._counts.append(1)
        self._sampling.append(sequence)
        self.budget -= 1
        sequence.num_computed, sequence.num_pending = target, pending + 1
        return True

    def bill_work(self) -> int:
        """Tokens computed and tokens sampled since the last bill."""
        before, self._billed = self._billed, self._done()
        return self._billed[1] - before[1] + self._billed[2] - before[2]

    def bill_rows(self) -> Iterator[tuple[Sequence, int]]:
        """The same, row by row; a row that samples comes twice."""
        (row, _, sample), self._billed = self._billed, self._done()
        samples = zip(self._sampling[sample:], repeat(1))
        return chain(zip(self.rows[row:], self._counts[row:], strict=True), samples)

    def _done(self) -> tuple[int, int, int]:
        """Rows, tokens, rows that sample."""
        return len(self.rows), self._total - self.budget, len(self._sampling)

    def finish(
        self, step: int, freed_slots: list[int], swaps_out: bytes = b"", swaps_in: bytes = b""
    ) -> ScheduledStep:
        plan = StepPlan(
            step,
            pack(self._slots),
            pack(self._counts),
            self._starts,
            self._grants,
            pack(freed_slots),
            pack([s.tokens[-1] for s in self.rows]) if self._awaits_tokens else b"",
            swaps_out,
            swaps_in,
        )
        num_tokens = self._total - self.budget
        return ScheduledStep(
            plan, self.rows, self._sampling, self._admitted, self._chunks, self._first_tokens,
            num_tokens, self._total_chunks - self.chunk_budget,
        )  # fmt: skip
