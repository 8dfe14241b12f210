from support.cpu_kernels import cpu_library, cpu_team
from support.one_thread import one_thread
from support.same_numbers import same_numbers

__all__ = ["cpu_library", "cpu_team", "one_thread", "same_numbers"]
