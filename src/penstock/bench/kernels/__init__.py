"""`penstock bench kernels`: the GPU kernels, each by itself, beside what the device can do. Knows no server.

It runs from a bare checkout with nothing but torch and triton: no module here, nor any that it imports, needs more.
"""

from penstock.bench.kernels.command import main

__all__ = ["main"]
