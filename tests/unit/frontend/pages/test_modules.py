"""The page's modules that know no page, run by Node; and its programs, read by those who would run them."""

import ast
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.frontend.pages import home

HERE = Path(__file__).parent
URL = "http://localhost:8000/v1"
PROGRAM = f"""
import {{ curl, python }} from "{home.FOLDER / "snippets.js"}";
const [url, bodies] = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(bodies.map((body, i) => [curl(url, body, i % 2), python(url, body, i % 2)])));
"""


def _node_reads_modules() -> bool:
    """Since 20.19 Node tells a module from its syntax, as browsers tell it from the tag."""
    if shutil.which("node") is None:
        return False
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", found.stdout)[:2])) >= (20, 19)


pytestmark = pytest.mark.skipif(not _node_reads_modules(), reason="needs Node 20.19 or later")


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_modules(name: str) -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(HERE / name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {"messages": st.lists(st.fixed_dictionaries({"role": st.text(), "content": JSON}), max_size=3)},
    optional={"model": st.text(), "tools": JSON, "top_k": JSON, "repetition_penalty": JSON},
)


@given(st.lists(BODIES, min_size=2, max_size=40))
@settings(max_examples=15, deadline=None)
def test_the_command_and_the_program_send_the_same_body(bodies: list[dict[str, Any]]) -> None:
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", PROGRAM],
        input=json.dumps([URL, bodies]),
        capture_output=True,
        text=True,
        check=True,
    )
    for index, (body, (command, program)) in enumerate(
        zip(bodies, json.loads(done.stdout), strict=True)
    ):
        _is_command(command, body, has_key=bool(index % 2))
        _is_program(program, body, has_key=bool(index % 2))


def _is_command(command: str, body: dict[str, Any], has_key: bool) -> None:
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:4] == ["curl", URL, "-H", "Content-Type: application/json"]
    assert words[4:-2] == (["-H", "Authorization: Bearer $OPENAI_API_KEY"] if has_key else [])
    assert json.loads(words[-1]) == body


def _is_program(program: str, body: dict[str, Any], has_key: bool) -> None:
    calls = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
    (create,) = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "create"]
    sent = {str(word.arg): ast.literal_eval(word.value) for word in create.keywords}
    assert sent | sent.pop("extra_body", {}) == body
    assert ('os.environ["OPENAI_API_KEY"]' in program) == has_key
