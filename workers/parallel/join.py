"""A rank meets the others. Knows how processes find each other, nothing of what they will exchange."""

import os
from pathlib import Path

import torch
from torch import distributed

from penstock.workers.parallel.company import Company
from penstock.workers.parallel.part import Part
from penstock.workers.parallel.peers import ALONE, Peers, ProcessPeers
from penstock.workers.parallel.stages import NO_STAGES, ProcessStages, Stages

LOOPBACK = "lo"


def join(part: Part, device: torch.device, rendezvous: str) -> None:
    """Waits for all ranks. `rendezvous` is a file:// or tcp:// address that all of them know."""
    if rendezvous.startswith("file:") and Path("/sys/class/net", LOOPBACK).exists():
        os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK)
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
        init_method=rendezvous,
        rank=part.stage * part.size + part.rank,
        world_size=part.num_stages * part.size,
    )


def company(part: Part, hidden_size: int, dtype: torch.dtype, device: torch.device) -> Company:
    """Once joined."""
    return Company(part, _peers(part), _stages(part, hidden_size, dtype, device))


def _peers(part: Part) -> Peers:
    """Every rank makes every stage's group: so torch wants it."""
    mine: Peers = ALONE
    if part.size == 1:
        return mine
    for stage in range(part.num_stages):
        ranks = list(range(stage * part.size, (stage + 1) * part.size))
        group = distributed.new_group(ranks)
        if stage == part.stage:
            assert isinstance(group, distributed.ProcessGroup)
            mine = ProcessPeers(group, ranks[0])
    return mine


def _stages(part: Part, hidden_size: int, dtype: torch.dtype, device: torch.device) -> Stages:
    if part.num_stages == 1:
        return NO_STAGES
    own = part.stage * part.size + part.rank
    return ProcessStages(own - part.size, own + part.size, hidden_size, dtype, device)
