"""`penstock bench kernels` from its flags to its exit status. Knows no kernel and no device.

torch and Triton are loaded once the flags are known to be sound, and after Triton is told where to run.
"""

import os
from collections.abc import Sequence

from penstock.bench.kernels.settings import parse


def main(argv: Sequence[str]) -> int:
    """0, or 1 when a kernel failed. Raises PenstockError."""
    plan = parse(argv)
    os.environ["TRITON_INTERPRET"] = "1" if plan.interpreted else "0"
    from penstock.bench.kernels.course import run

    return 0 if run(plan) else 1
