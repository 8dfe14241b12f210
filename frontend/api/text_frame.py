"""The chunk that carries nothing but text, nearly all of it encoded beforehand. Knows JSON, not what it says.

Of a stream's chunks all but a few differ in one string. `TextFrame` cuts an example chunk apart around
that string, wherever it stands, so that each chunk costs the encoding of its text alone.
"""

import msgspec

from penstock.frontend.sse import event, json

_MARK = "\0text\0"
_ENCODED_MARK = json(_MARK)


class TextFrame:
    """Equal, byte for byte, to encoding the whole chunk; tests hold it to that."""

    def __init__(self, example: msgspec.Struct) -> None:
        """`example` is a chunk whose text is `TextFrame.MARK`, once or more."""
        self._around = event(example).split(_ENCODED_MARK)
        assert len(self._around) > 1, "the example chunk must hold the mark"

    MARK = _MARK

    def __call__(self, text: str) -> bytes:
        return json(text).join(self._around)
