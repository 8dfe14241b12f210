"""What a rank computes with, by the kind of its device. Knows ops, no layers and no plans."""

from dataclasses import dataclass

import torch

from penstock.kernels.ops import Ops, load_ops, ops_on
from penstock.protocol.errors import ModelError
from penstock.workers.lacking import NO_TRITON


@dataclass(frozen=True, slots=True)
class Backend:
    """A decoder's ops."""

    ops: Ops
    batch_invariant: bool = False
    """A token's numbers are to depend on its own sequence alone, to the last bit."""


def backend_on(device: torch.device, *, batch_invariant: bool = False) -> Backend:
    """See `ops_on`. Raises ModelError where a GPU's kernels cannot be had."""
    try:
        return Backend(ops_on(device), batch_invariant)
    except ImportError as error:
        raise ModelError(f"{NO_TRITON} ({error})") from error


def reference_backend() -> Backend:
    """For models that are built for their shapes alone, and for comparing."""
    return Backend(load_ops("reference"))
