"""Text on one side, token ids on the other. Knows no HTTP, no engine and no clock but the templates' own."""

from penstock.frontend.text.chat_template import ChatTemplate, ChatTemplates
from penstock.frontend.text.detokenizer import Detokenizer, Silent, detokenizer
from penstock.frontend.text.errors import TemplateError, TextError
from penstock.frontend.text.text_stream import TextDelta, TextStream
from penstock.frontend.text.tokenizer import Tokenizer

__all__ = [
    "ChatTemplate",
    "ChatTemplates",
    "Detokenizer",
    "Silent",
    "TemplateError",
    "TextDelta",
    "TextError",
    "TextStream",
    "Tokenizer",
    "detokenizer",
]
