"""What a setting says about itself besides its type. Knows no setting."""

from typing import Any

from msgspec import Meta


def described(description: str, **extra: Any) -> Meta:
    """For Annotated: the sentence of help, and what `extra` may hold (see the package)."""
    return Meta(description=description, extra=extra or None)
