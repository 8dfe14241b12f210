"""What a client's text can do wrong. Does not know HTTP statuses."""

from penstock.protocol.errors import PenstockError


class TextError(PenstockError):
    """Text, messages or ids of a request that cannot be turned into a prompt."""


class TemplateError(TextError):
    """The chat template refused the conversation or is broken itself."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        where = f" (line {line} of the chat template)" if line else ""
        super().__init__(f"{reason}{where}")
        self.reason = reason
        self.line = line
