"""A device whose captured work is what it was when it was captured: a list of operations over the same memory.

As on a GPU, nothing of the Python that made it runs again: numbers of the host are frozen, tensors are not. Triton's
interpreter is recorded launch by launch. Whoever reads a tensor's numbers while it is captured fails.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from support.late_stream import LateStream

_READING = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select", "unique")
Call = Callable[[], None]


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in _READING, f"{name} reads what is on the device"
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        known = {_storage(x) for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        fresh = [
            isinstance(x, torch.Tensor) and _storage(x) not in known for x in tree_leaves(made)
        ]
        self.calls.append(lambda: _again(func, args, kwargs, made, fresh))
        return made


def _storage(x: torch.Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _again(func: Any, args: Any, kwargs: Any, made: Any, fresh: list[bool]) -> None:
    """What was fresh memory then, takes the new numbers; all else was changed in place, or is a view."""
    for old, new, is_fresh in zip(
        tree_leaves(made), tree_leaves(func(*args, **kwargs)), fresh, strict=True
    ):
        if is_fresh:
            old.copy_(new)


class RecordedStream(LateStream):
    """Late, and with graphs that are recorded."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        work()
        recorder = _Recorder()
        with _launches_into(recorder), recorder:
            work()
        assert recorder.calls

        def replay() -> None:
            for call in recorder.calls:
                call()

        return replay


class _launches_into:
    """Launches of Triton's interpreter, which work on bare memory, are recorded too."""

    def __init__(self, recorder: _Recorder) -> None:
        self._calls = recorder.calls

    def __enter__(self) -> None:
        try:
            from triton.runtime.interpreter import GridExecutor
        except ImportError:
            return
        self._executor, self._launch, calls = GridExecutor, GridExecutor.__call__, self._calls
        launch = self._launch

        def record(executor: Any, *args: Any, **kwargs: Any) -> None:
            def call() -> None:
                with _disable_current_modes():
                    launch(executor, *args, **kwargs)

            call()
            calls.append(call)

        GridExecutor.__call__ = record

    def __exit__(self, *_: object) -> None:
        self._executor.__call__ = self._launch
