"""Questions to the engine that wait for their one answer. Knows no socket and no verb."""

import asyncio

from penstock.frontend.engine.errors import RefusedError
from penstock.protocol.errors import EngineGoneError, PenstockError
from penstock.protocol.messages import Refused, Result


class Answers:
    """Futures by id. What comes too late finds nobody."""

    def __init__(self) -> None:
        self._open: dict[int, asyncio.Future[bytes]] = {}

    async def wait(self, question_id: int, timeout_s: float) -> bytes:
        """Raises EngineGoneError when no answer comes, RefusedError when that is the answer."""
        future = asyncio.get_running_loop().create_future()
        self._open[question_id] = future
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError as error:
            raise EngineGoneError(f"the engine did not answer within {timeout_s:g} s") from error
        finally:
            del self._open[question_id]

    def answer(self, result: Result) -> None:
        future = self._open.get(result.id)
        if future is not None and not future.done():
            future.set_result(result.payload)

    def refuse(self, refused: Refused) -> None:
        self._fail(
            self._open.get(refused.id),
            RefusedError(refused.code, refused.message, refused.retry_after_s),
        )

    def give_up(self, reason: str) -> None:
        """The engine that was asked is gone."""
        for future in self._open.values():
            self._fail(future, EngineGoneError(reason))

    @staticmethod
    def _fail(future: asyncio.Future[bytes] | None, error: PenstockError) -> None:
        if future is not None and not future.done():
            future.set_exception(error)
