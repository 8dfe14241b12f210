"""The five guides to vLLM that lie beside the repository, as somebody would copy from them. Knows no server."""

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"
INDENT = "    "
_COMMAND = re.compile(
    r"(\w+复制)?[#\s]*(curl |python -m|vllm serve|docker run|npx |export |import |from \w+ import|llm = "
    r"|\w+ = requests\.|requests\.|client = )"
)
_COPIED = re.compile(r"(bash|python|json|yaml|html)复制")
"""What a page's copy button leaves behind."""


def are_there() -> bool:
    return FOLDER.is_dir()


def document(number: int) -> list[str]:
    """Its lines."""
    (path,) = FOLDER.glob(f"{number:03}_*.txt")
    return path.read_text("utf-8").splitlines()


def excerpt(at: str, layout: str = "", cut: str = "") -> str:
    """`at` is '0:34-44': the document, its first line and its last.

    `layout` has a digit for each line, its depth, where the document has lost its indentation. `cut` is how
    the heading or sentence begins that the last line has run into.
    """
    number, first, last = map(int, re.split("[:-]", at))
    lines = document(number)[first - 1 : last]
    lines[0] = _COPIED.sub("", lines[0])
    if cut:
        lines[-1], found, _ = lines[-1].partition(cut)
        assert found, (at, cut)
    if layout:
        lines = [INDENT * int(d) + line for d, line in zip(layout, lines, strict=True)]
    return "\n".join(lines)


def rewritten(text: str, rules: Mapping[str, str]) -> str:
    """As by one sed command after the other."""
    for pattern, replacement in rules.items():
        text = re.sub(pattern, replacement, text)
    return text


def places(at: str) -> list[tuple[int, int]]:
    """Document and number of each line of an excerpt."""
    number, first, last = map(int, re.split("[:-]", at))
    return [(number, line) for line in range(first, last + 1)]


def all_commands() -> list[tuple[int, int]]:
    """Every line that begins a command, a program or a request."""
    return [
        (number, index + 1)
        for number in range(5)
        for index, line in enumerate(document(number))
        if _COMMAND.match(line)
    ]


def all_flags() -> set[str]:
    """Of vLLM's, wherever a guide names one; some have run into the next column of their table."""
    text = "\n".join(line for number in range(5) for line in document(number))
    found = re.findall(r"--([a-z]+(?:-[a-z]+)*)", _without_other_commands(text))
    return {re.sub(r"(false|-)$", "", flag) for flag in found}


def _without_other_commands(text: str) -> str:
    """docker's --gpus and openapi-typescript's --output are not vLLM's."""
    return re.sub(r"--gpus|--output", "", text)
