"""The library and its threads, for tests of the native decoder."""

from support.cpu_kernels import cpu_library, cpu_team

__all__ = ["cpu_library", "cpu_team"]
