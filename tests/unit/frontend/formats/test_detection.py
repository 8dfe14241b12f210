"""Real chat templates show their formats by what they contain."""

import json
from pathlib import Path

import pytest
from support.answer_samples import LOOK, TOOLS
from support.answers import parsed

from penstock.frontend.formats import ToolSpec, detect
from penstock.frontend.formats.reasoning_formats import KNOWN as REASONING
from penstock.frontend.formats.tool_formats import KNOWN as TOOL
from penstock.frontend.text import ChatTemplates
from penstock.frontend.text.conversation import Conversation

FOLDER = Path(__file__).resolve().parents[4].parent / "shared" / "templates"
EXPECTED = {
    "ByteDance-Seed-OSS": ("seed_oss", "seed_oss"),
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": ("command_r7b", "command_r7b"),
    "GLM-4.6": ("glm45", "qwen3"),
    "HuggingFaceTB-SmolLM3-3B": (None, "qwen3"),
    "Kimi-K2-Instruct": ("kimi_k2", None),
    "LFM2-8B-A1B": ("lfm2", None),
    "MiniMax-M2": ("minimax_m2", "qwen3"),
    "Mistral-Small-3.2-24B-Instruct-2506": ("mistral", None),
    "NVIDIA-Nemotron-Nano-v2": ("nemotron", "qwen3"),
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": ("hermes", None),
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": ("hermes", None),
    "Qwen-QwQ-32B": ("hermes", "qwen3"),
    "Qwen-Qwen2.5-7B-Instruct": ("hermes", None),
    "Qwen-Qwen3-0.6B": ("hermes", "qwen3"),
    "Qwen3-Coder": ("qwen3_coder", None),
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": ("deepseek_v3", "qwen3"),
    "deepseek-ai-DeepSeek-V3.1": ("deepseek_v31", "qwen3"),
    "fireworks-ai-llama-3-firefunction-v2": ("phi4_mini_json", None),
    "google-gemma-2-2b-it": (None, None),
    "google-gemma-4-31B-it": ("gemma4", "gemma4"),
    "ibm-granite-granite-3.3-2B-Instruct": ("granite", "granite_thinking_parser"),
    "ibm-granite-granite-4.0": ("hermes", None),
    "llama-cpp-deepseek-r1": ("deepseek_v3", "qwen3"),
    "meta-llama-Llama-3.1-8B-Instruct": ("llama3_json", None),
    "meta-llama-Llama-3.3-70B-Instruct": ("llama3_json", None),
    "microsoft-Phi-3.5-mini-instruct": (None, None),
    "mistralai-Mistral-Nemo-Instruct-2407": ("mistral_json", None),
    "openai-gpt-oss-120b": ("openai", "openai_gptoss"),
}
WRITE_NO_CALLS = {
    "HuggingFaceTB-SmolLM3-3B",
    "LFM2-8B-A1B",
    "google-gemma-2-2b-it",
    "ibm-granite-granite-3.3-2B-Instruct",
    "microsoft-Phi-3.5-mini-instruct",
}
CANNOT_BE_RENDERED = {
    "Kimi-K2-Instruct": "changes a list, which the sandbox forbids",
    "fireworks-ai-llama-3-firefunction-v2": "wants variables of its own",
    "llama-cpp-deepseek-r1": "dumps what is no list",
}
USER = {"role": "user", "content": "Look"}
CALLING = {
    "role": "assistant",
    "tool_calls": [
        {
            "id": "call00000",
            "type": "function",
            "function": {"name": LOOK[0], "arguments": json.loads(LOOK[1])},
        }
    ],
}


@pytest.mark.parametrize(("template", "names"), EXPECTED.items())
def test_real_templates(template: str, names: tuple[str | None, str | None]) -> None:
    path = FOLDER / f"{template}.jinja"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    found = detect(path.read_text("utf-8"))
    assert (found.tools and found.tools.name, found.reasoning and found.reasoning.name) == names


@pytest.mark.parametrize(
    "template", sorted(EXPECTED.keys() - WRITE_NO_CALLS - CANNOT_BE_RENDERED.keys())
)
def test_what_a_template_writes_is_read_as_the_call_that_it_was(template: str) -> None:
    path = FOLDER / f"{template}.jinja"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    source = path.read_text("utf-8")
    written = written_by(source)
    calls = parsed(detect(source).parser([ToolSpec("look", TOOLS["look"])]), [written])[2]
    assert calls == [LOOK]


def written_by(source: str) -> str:
    """How the template shows a call, from behind the generation prompt if it goes on from there."""
    templates = ChatTemplates({"default": source}, {"bos_token": "", "eos_token": "</s>"})
    tools = [
        {
            "type": "function",
            "function": {"name": name, "description": "", "parameters": parameters},
        }
        for name, parameters in TOOLS.items()
    ]
    whole = templates.render(
        Conversation([USER, CALLING], tools=tools, add_generation_prompt=False)
    )
    prompt = templates.render(Conversation([USER], tools=tools))
    if whole.startswith(prompt):
        return whole.removeprefix(prompt)
    return whole.removeprefix(
        templates.render(Conversation([USER], tools=tools, add_generation_prompt=False))
    )


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs {FOLDER}")
def test_no_template_is_left_out() -> None:
    assert {path.stem for path in FOLDER.glob("*.jinja")} == EXPECTED.keys()


def test_every_format_can_be_detected_by_its_own_signs() -> None:
    """An earlier one of the table must not take them for its own."""
    for declared in TOOL:
        for group in declared.signs:
            assert detect(" ".join(group)).tools == declared
    for reasoning in REASONING:
        for group in reasoning.signs:
            assert detect(" ".join(group)).reasoning == reasoning


def test_signs_are_found_where_the_template_escapes_them() -> None:
    assert detect('{{ "{\\"name\\": \\"f\\", \\"parameters\\": {}}<|eot_id|>" }}').tools is not None


def test_a_template_that_writes_neither_has_neither() -> None:
    found = detect("{% for m in messages %}{{ m.content }}{% endfor %}")
    assert found.tools is None
    assert found.reasoning is None
    assert not found.markers
