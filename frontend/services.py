"""Everything that endpoints share, made once per process and passed in. Knows no endpoint."""

from dataclasses import dataclass, field

from aiohttp import web

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.auth import Keys
from penstock.frontend.bounds import Bounds
from penstock.frontend.drain import Drain
from penstock.frontend.encoding import Encoder
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.errors import ApiError, unavailable
from penstock.frontend.prompts import Validator
from penstock.frontend.responses.background import Background
from penstock.frontend.responses.store import Store
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.messages import ModelCard
from penstock.protocol.metrics import Registry
from penstock.protocol.settings import FrontendSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One model's text, one engine's client, and what was set."""

    settings: FrontendSettings
    keys: Keys
    names: tuple[str, ...]
    """What requests may call the model; the first is reported."""
    encoder: Encoder
    validator: Validator
    answers: AnswerRules
    client: EngineClient
    registry: Registry
    store: Store | None
    """None keeps no responses."""
    background: Background | None = None
    drain: Drain = field(default_factory=Drain)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.encoder.tokenizer

    @property
    def model(self) -> str:
        return self.names[0]

    async def card(self) -> ModelCard:
        """Raises ApiError 503 when no engine has introduced itself, nor does within a moment."""
        if self.client.card is None:
            await self.client.meet()
        if self.client.card is None:
            raise unavailable("The model is still being loaded.")
        return self.client.card

    async def bounds(self) -> Bounds:
        """As `card`, for what an engine is needed for."""
        await self.client.meet()
        card, limits = await self.card(), self.client.limits
        assert limits is not None, "card and limits come in one Welcome"
        return Bounds.of(card, limits)

    def check_model(self, name: str | None) -> None:
        """None is the one model there is. Raises ApiError 404."""
        if name is not None and name not in self.names:
            raise ApiError(
                404,
                f"The model `{name[:200]}` does not exist. Valid aliases: {', '.join(self.names)}.",
                "model",
            )


SERVICES = web.AppKey("services", Services)
