"""One rank samples, the others learn of it. Knows the sampler and the peers, nothing of how a token is drawn.

In one stage, the first rank's tokens are handed round after each step. Over several, plans bring them: nobody has to
wait then for a stage that is at an older plan (`StepPlan.tails`).
"""

from typing import Protocol

import numpy as np
import torch

from penstock.protocol.sampling import SamplingParams
from penstock.workers.parallel.company import Company
from penstock.workers.parallel.peers import Peers
from penstock.workers.sampler.rows import Rows
from penstock.workers.sampler.sampler import Sampled, Sampler

NOTHING = Sampled(np.empty(0, dtype=np.int64), [], [])


class TokenSource(Protocol):
    """Where a rank has the tokens from that end its rows."""

    def start(self, slot: int, params: SamplingParams) -> None:
        """`slot` belongs to a new sequence."""
        ...

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """A token for each row; or none at all, where plans will bring them."""
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
        self._peers.from_first(torch.from_numpy(sampled.token_ids_R))
        return sampled


class Following:
    """Takes over what the first rank has sampled."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def start(self, slot: int, params: SamplingParams) -> None:
        """The first rank knows how it is sampled."""

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """See `TokenSource`."""
        ids_R = torch.empty(len(rows.slots_R), dtype=torch.int64)
        return Sampled(self._peers.from_first(ids_R).numpy(), [], [])


class Waiting:
    """Hears of tokens with the plans that build on them."""

    def start(self, slot: int, params: SamplingParams) -> None:
        """The last stage knows how it is sampled."""

    def sample(self, logits_RV: torch.Tensor, rows: Rows) -> Sampled:
        """See `TokenSource`."""
        return NOTHING


def token_source(company: Company, sampler: Sampler) -> TokenSource:
    """What a rank's runner is to take its tokens from; `sampler` is for those who sample."""
    part = company.part
    if part.num_stages > 1:
        return sampler if part.leads else Waiting()
    if part.size > 1:
        return Leading(sampler, company.peers) if part.leads else Following(company.peers)
    return sampler
