"""What an operator should hear and do when a worker fails. Knows exceptions, not the model."""

from penstock.protocol.errors import PenstockError

LOAD_ADVICE = "Choose a smaller model or --dtype bfloat16, or free memory on this machine."
STEP_ADVICE = (
    "Lower --kv-cache-memory-bytes or --gpu-memory-utilization, or let less run at once: "
    "--max-num-batched-tokens, --max-num-seqs."
)
_MEMORY_SIGNS = ("can't allocate memory", "out of memory", "cannot allocate")


def explain(error: BaseException, loading: bool) -> tuple[str, str]:
    """A message, and advice or an empty string."""
    if is_out_of_memory(error):
        return f"out of memory: {_first_line(error)}", LOAD_ADVICE if loading else STEP_ADVICE
    if isinstance(error, PenstockError):
        return str(error), ""
    return f"{type(error).__name__}: {_first_line(error)}", "The worker's log holds the traceback."


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(s in text for s in _MEMORY_SIGNS)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
