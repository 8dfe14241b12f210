"""What a start says of flags that do nothing on its device, and of what others do. Knows words, no model."""

import logging

from penstock.protocol.settings import WorkerSettings

log = logging.getLogger("penstock.worker")

INVARIANT_ON = {
    "native": "native kernels always are",
    "cpu": "torch's operations take each token by itself, which makes prompts slow",
    "cuda": "the order of every sum is fixed, whatever else a step holds",
}


def tell_of_flags(settings: WorkerSettings, device: str, kernels: str, num_sharing: int) -> None:
    """`kernels` is "native", or the device that torch computes on; `num_sharing` are the ranks of a stage."""
    if settings.cpu_offload_gb and device == "cpu":
        log.info("--cpu-offload-gb has no effect here: weights already live in host memory")
    if settings.enforce_eager and device == "cpu":
        log.info("--enforce-eager has no effect here: CPUs have no CUDA graphs")
    if settings.batch_invariant:
        _tell_of_invariance(kernels, num_sharing)


def _tell_of_invariance(kernels: str, num_sharing: int) -> None:
    log.info("--batch-invariant: %s", INVARIANT_ON[kernels])
    if num_sharing > 2:  # of two numbers there is one sum
        log.warning(
            "--batch-invariant: sums over %d ranks are the communication library's, which may "
            "choose another order for another number of tokens",
            num_sharing,
        )
