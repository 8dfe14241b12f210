"""One rank samples, the others learn of it. Knows the sampler and the peers, nothing of how a token is drawn.

In one stage, the first rank's tokens are handed round after each step. Over several, plans bring them: nobody has to
wait then for a stage that is at an older plan (`StepPlan.tails`).
"""

from typing import Protocol

import torch

from penstock.protocol.sampling import SamplingParams
from penstock.workers.parallel.company import Company
from penstock.workers.parallel.peers import Peers
from penstock.workers.sampler.rows import Ints, Rows
from penstock.workers.sampler.sampler import Sampled, Sampler

NOTHING = Sampled(torch.empty(0, dtype=torch.int64), [], [])


class TokenSource(Protocol):
    """Where a rank has the tokens from that end its rows."""

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` belongs to a new sequence."""
        ...

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """A token for each row, where the logits lie; or none at all, where plans will bring them."""
        ...

    def reads_history(self, slots_R: Ints) -> bool:
        """Whether `sample` has to know all tokens of one of these slots."""
        ...


class Leading:
    """Samples for the others, too."""

    def __init__(self, sampler: Sampler, peers: Peers) -> None:
        self._sampler = sampler
        self._peers = peers

    def start(self, slot: int, params: SamplingParams) -> None:
        self._sampler.start(slot, params)

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """See `TokenSource`."""
        sampled = self._sampler.sample(logits_RV, rows)
        self._peers.from_first(sampled.token_ids_R)
        return sampled

    def reads_history(self, slots_R: Ints) -> bool:
        return self._sampler.reads_history(slots_R)


class Following:
    """Takes over what the first rank has sampled."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def start(self, slot: int, params: SamplingParams) -> None:
        """The first rank knows how it is sampled."""

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """See `TokenSource`."""
        ids_R = torch.empty(len(rows.slots_R), dtype=torch.int64, device=logits_RV.device)
        return Sampled(self._peers.from_first(ids_R), [], [])

    def reads_history(self, slots_R: Ints) -> bool:
        return False


class Waiting:
    """Hears of tokens with the plans that build on them."""

    def start(self, slot: int, params: SamplingParams) -> None:
        """The last stage knows how it is sampled."""

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """See `TokenSource`."""
        return NOTHING

    def reads_history(self, slots_R: Ints) -> bool:
        return False


def token_source(company: Company, sampler: Sampler) -> TokenSource:
    """What a rank's runner is to take its tokens from; `sampler` is for those who sample."""
    part = company.part
    if part.num_stages > 1:
        return sampler if part.leads else Waiting()
    if part.size > 1:
        return Leading(sampler, company.peers) if part.leads else Following(company.peers)
    return sampler
