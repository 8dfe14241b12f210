"""What a client's text can do wrong. Does not know HTTP statuses."""

from penstock.protocol.errors import PenstockError

MAX_QUOTED_CHARS = 160
"""Of a template's line: some templates are but one."""


class TextError(PenstockError):
    """Text, messages or ids of a request that cannot be turned into a prompt."""


class TemplateError(TextError):
    """The chat template refused the conversation or is broken itself."""

    def __init__(self, reason: str, line: int | None = None, source: str = "") -> None:
        """`line` counts from 1 in `source`, the template."""
        super().__init__(f"{reason}{_where(line, source)}")
        self.reason = reason
        self.line = line


class TemplateTimeoutError(TemplateError):
    """The chat template computes for longer than it may."""


def _where(line: int | None, source: str) -> str:
    if line is None:
        return ""
    text = "".join(source.splitlines()[line - 1 : line]).strip()
    cut = text if len(text) <= MAX_QUOTED_CHARS else f"{text[:MAX_QUOTED_CHARS]}..."
    return (
        f" (line {line} of the chat template: {cut})"
        if cut
        else f" (line {line} of the chat template)"
    )
