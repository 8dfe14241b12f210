"""What requests say, in the log, for operators who want it there. Knows no endpoint; says nothing of answers."""

import logging

from penstock.frontend.prompts import ValidPrompt, ValidRequest
from penstock.frontend.sse import json
from penstock.protocol import logs

log = logging.getLogger("penstock.requests")


def log_request(valid: ValidRequest, max_chars: int | None) -> None:
    """One line for each prompt, of which it shows the first `max_chars` characters, or all."""
    for prompt in valid.prompts:
        shown = _shown(prompt, max_chars)
        log.info(
            "request %s: %d prompt tokens, %s, prompt %s",
            *(valid.name, len(prompt.ids), prompt.params, json(shown).decode()),
            extra=logs.fields(
                request_id=valid.name,
                num_prompt_tokens=len(prompt.ids),
                sampling=str(prompt.params),
                prompt=shown,
            ),
        )


def _shown(prompt: ValidPrompt, max_chars: int | None) -> str:
    if prompt.text is not None:
        return prompt.text[:max_chars]
    return str(prompt.ids[:max_chars])[:max_chars]
