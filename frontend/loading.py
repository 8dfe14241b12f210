"""Makes the services of one front end from its settings and its model's folder. Knows files, no request."""

from dataclasses import replace as replaced
from pathlib import Path

from penstock.frontend.api.answer_rules import AnswerRules
from penstock.frontend.auth import Keys
from penstock.frontend.defaults import load_defaults, load_eos_ids
from penstock.frontend.encoding import Encoder
from penstock.frontend.engine.client import EngineClient
from penstock.frontend.formats import (
    AnswerFormat,
    ReasoningFormat,
    detect,
    reasoning_format,
    tool_format,
)
from penstock.frontend.params import ParamsMaker
from penstock.frontend.prompts import Rules, Validator
from penstock.frontend.responses.background import Background
from penstock.frontend.responses.places import open_store
from penstock.frontend.services import Services
from penstock.frontend.text.chat_template import PROBE_LIMIT_S, ChatTemplates, given_template
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TextError
from penstock.frontend.text.tokenizer import Tokenizer
from penstock.protocol.metrics import Registry
from penstock.protocol.model_path import default_name, find_model, find_tokenizer
from penstock.protocol.settings import FrontendSettings


def load_services(settings: FrontendSettings, client: EngineClient, registry: Registry) -> Services:
    """Reads the model's tokenizer, templates and defaults. Raises SettingsError or ModelError."""
    folder = find_model(settings)
    tokenizer = Tokenizer.load(find_tokenizer(settings, folder))
    templates = _templates(settings, folder, tokenizer)
    services = Services(
        settings=settings,
        keys=Keys(settings),
        names=tuple(settings.served_model_name) or (default_name(settings),),
        encoder=Encoder(tokenizer, templates, settings.trust_request_chat_template),
        validator=_validator(settings, folder, tokenizer),
        answers=AnswerRules(_answer_format(settings, templates), tokenizer),
        client=client,
        registry=registry,
        store=open_store(settings),
    )
    return replaced(services, background=_background(services))


def _background(services: Services) -> Background | None:
    """Whose responses go on here: those of front ends that serve the same, under the same name and address."""
    settings = services.settings
    if services.store is None:
        return None
    return Background(
        services.store,
        f"{settings.model}\n{services.model}\n{settings.uds or settings.port}",
        services.client,
        services.answers,
        services.tokenizer,
        services.registry,
        settings.responses_resume_s,
    )


def _answer_format(settings: FrontendSettings, templates: ChatTemplates) -> AnswerFormat:
    """As the model writes. Raises SettingsError."""
    found = _named_format(settings, templates)
    return replaced(found, thoughts_begin_in_prompt=_opens_thoughts(templates, found.reasoning))


def _opens_thoughts(templates: ChatTemplates, reasoning: ReasoningFormat | None) -> bool:
    """Whether the template itself opens them where they are asked for by the names that templates know."""
    wish = {"enable_thinking": True, "thinking": True}
    hello = Conversation([{"role": "user", "content": "Hello!"}], variables=wish)
    if reasoning is None:
        return False
    try:
        text = templates.render(hello, limit_s=PROBE_LIMIT_S)
    except TextError:
        return False
    return text.rstrip().endswith(reasoning.opens)


def _named_format(settings: FrontendSettings, templates: ChatTemplates) -> AnswerFormat:
    """By the templates, but for what the settings name. Raises SettingsError."""
    found = detect(templates.source)
    if settings.tool_call_parser != "auto":
        found = replaced(found, tools=tool_format(settings.tool_call_parser))
    match settings.reasoning_parser:
        case "auto":
            return found
        case "none" | "":
            return replaced(found, reasoning=None)
        case name:
            return replaced(found, reasoning=reasoning_format(name))


def _validator(settings: FrontendSettings, folder: Path, tokenizer: Tokenizer) -> Validator:
    eos = tokenizer.token_id(tokenizer.eos_token) if tokenizer.eos_token else None
    params = ParamsMaker(
        load_defaults(settings, folder),
        load_eos_ids(folder, () if eos is None else (eos,)),
        lambda text: tokenizer.encode(text, add_special_tokens=False),
    )
    return Validator(params, Rules.of(settings))


def _templates(settings: FrontendSettings, folder: Path, tokenizer: Tokenizer) -> ChatTemplates:
    given = settings.chat_template
    if given is None:
        return ChatTemplates.load(folder, tokenizer.config.chat_template, tokenizer.special_tokens)
    return ChatTemplates({"default": given_template(given)}, tokenizer.special_tokens)
