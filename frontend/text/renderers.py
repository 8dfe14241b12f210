"""Renders templates that come with requests in processes of their own, as many as are needed. Knows no Jinja."""

import contextlib
import queue
import subprocess
import sys

from penstock.frontend.text import render_jobs
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError, TemplateTimeoutError
from penstock.frontend.text.render_jobs import Failed, Rendered, RenderJob

COMPUTING_S = 0.6
MAX_BYTES = 1 << 30
"""Of address space."""
_COMMAND = (sys.executable, "-P", "-m", "penstock.frontend.text.render_process")


class Renderers:
    """The processes; a job takes an idle one or starts one. `render` blocks, so it belongs in a thread."""

    def __init__(self, computing_s: float = COMPUTING_S, max_bytes: int = MAX_BYTES) -> None:
        """A job may take `computing_s` of a processor's time, and its process `max_bytes` of address space."""
        self._limits = str(computing_s), str(max_bytes)
        self._idle: queue.SimpleQueue[_Renderer] = queue.SimpleQueue()
        self._is_closed = False

    def template(self, source: str) -> "RequestTemplate":
        return RequestTemplate(source, self)

    def render(self, job: RenderJob) -> str:
        """Raises TextError."""
        frame = render_jobs.encode(job)
        renderer = self._take()
        try:
            answer = renderer.ask(frame)
        except BaseException:
            renderer.end()
            raise
        self._idle.put(renderer)
        if self._is_closed:
            self.close()
        if isinstance(answer, Failed):
            raise TemplateError(answer.message)
        return answer.text

    def close(self) -> None:
        """Those at work end when they have answered."""
        self._is_closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().end()

    def _take(self) -> "_Renderer":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return _Renderer(*self._limits)


class RequestTemplate:
    """Stands in for a `ChatTemplate` that is compiled and rendered elsewhere."""

    def __init__(self, source: str, renderers: Renderers) -> None:
        self._source, self._renderers = source, renderers

    def render(self, conversation: Conversation, limit_s: float = 0.0) -> str:
        """As `ChatTemplate.render`; the time is the process's own to watch."""
        return self._renderers.render(RenderJob(self._source, conversation))


class _Renderer:
    """One process. One that failed to answer must be ended."""

    def __init__(self, *limits: str) -> None:
        self._process = subprocess.Popen(
            (*_COMMAND, *limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, frame: bytes) -> Rendered | Failed:
        """Raises TemplateError when it dies of the job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(frame)
            self._process.stdin.flush()
        header = self._process.stdout.read(render_jobs.LENGTH_BYTES)
        body = self._process.stdout.read(int.from_bytes(header, "little"))
        if not body:
            raise TemplateTimeoutError("the chat template takes too long or too much memory")
        return render_jobs.decode_answer(body)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
