"""How each kind of a guide's row is run against a real server, and what came back as text. Knows no row."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from penstock.offline.settings import read_settings
from support.deployment import Deployment
from support.guides import excerpt, rewritten

Run = Callable[[str, Deployment], str]
"""From where the excerpt stands and the server that answers, to what came back."""
TIMEOUT_S = 240
MODELS = {
    r'"(qwen-7b|Qwen2-7B-Instruct|gpt-3\.5-turbo|bge-base-zh|BAAI/bge-large-en)"': '"brook"',
    r'"(meta-llama/Llama-3-8B|Qwen/Qwen2\.5-7B-Instruct)"': '"brook"',
}
"""Models that requests and programs name."""
OFFLINE = {"from vllm import": "from penstock import", r'model="\.\.\."': 'model="brook"'}


def shell(before: str = "", after: str = "", cut: str = "") -> Run:
    """The excerpt as a script of bash's, between lines of ours."""

    def ran(at: str, server: Deployment) -> str:
        text = rewritten(excerpt(at, cut=cut), MODELS | addresses(server))
        return run_shell(f"{before}\n{text}\n{after}")

    return ran


def python(
    layout: str = "",
    before: str = "",
    after: str = "",
    cut: str = "",
    rules: Mapping[str, str] | None = None,
) -> Run:
    """The excerpt as a program, between lines that it takes for granted and lines that look at its results."""

    def ran(at: str, server: Deployment) -> str:
        every_rule = MODELS | OFFLINE | addresses(server) | (rules or {})
        text = rewritten(excerpt(at, layout, cut), every_rule)
        return run([sys.executable, "-P", "-c", f"{before}\n{text}\n{after}"], GUIDE_URL=server.url)

    return ran


def gets(path: str) -> Run:
    return lambda at, server: shown(server.get(path))


def posts(path: str, **body: Any) -> Run:
    return lambda at, server: shown(server.post(path, body))


def sends(path: str, **more: Any) -> Run:
    """The excerpt is the body of a request, or a part of it."""

    def sent(at: str, server: Deployment) -> str:
        body = json.loads(rewritten(excerpt(at), MODELS))
        return shown(server.post(path, {**more, **body}))

    return sent


def endpoints(at: str, server: Deployment) -> str:
    """Asks each path that the lines name, with the method they name (else GET), and says each status."""
    found = re.findall(r"(?m)(?:path: |GET |^\|? ?|、|\()(/[\w/]+)(?: \| (POST))?", excerpt(at))
    answers = {path: _ask(server, path, method) for path, method in found}
    return "\n".join(f"{path} {status}" for path, status in answers.items())


def _ask(server: Deployment, path: str, method: str) -> int:
    return (server.post(path, {"input": "x", "prompt": "x"}) if method else server.get(path))[0]


def metrics(at: str, server: Deployment) -> str:
    """Which of the metrics that the lines name are there."""
    page = server.get("/metrics")[1]
    names = re.findall(r"vllm_[a-z]+_[a-z_]+[a-z]", excerpt(at))
    return "\n".join(f"{n} {'is there' if f'{n}' in page else 'is missing'}" for n in names)


def has_keys_of(run: Run) -> Run:
    """The excerpt shows an answer: every key in it must be in the answer to `run`."""

    def compared(at: str, server: Deployment) -> str:
        status, _, body = run(at, server).partition(" ")
        missing = keys_of(_read(excerpt(at))) - keys_of(_read(body))
        return f"{status}, missing: {sorted(missing)}"

    return compared


def _read(text: str) -> Any:
    """JSON, or the events of a stream."""
    events = re.findall(r"(?m)^data: (\{.*\})$", text)
    return list(map(json.loads, events)) if events else json.loads(text)


def keys_of(value: Any, path: str = "") -> set[str]:
    """Of all objects within, with the way there."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(item, f"{path}[]")}
    if not isinstance(value, dict):
        return set()
    inner = (keys_of(v, f"{path}.{k}") for k, v in value.items())
    return {f"{path}.{k}" for k in value}.union(*inner)


def samples(path: str, body: Mapping[str, Any], **values: Any) -> Run:
    """One request for each parameter that a table's rows name, with a sample of its value; says each status."""

    def asked(at: str, server: Deployment) -> str:
        names = re.findall(r"(?m)^\|?\s*(\w+)\s*\|", excerpt(at))
        bodies = {n: {**body, **values[n]} if n in values else dict(body) for n in names}
        return "\n".join(f"{n} {server.post(path, b)[0]}" for n, b in bodies.items())

    return asked


def takes(values: Mapping[str, Any]) -> Run:
    """Whether `LLM` takes every parameter that a table's rows name."""

    def taken(at: str, server: Deployment) -> str:
        del server
        names = re.findall(r"(?m)^(\w+) \|", excerpt(at))
        model, *others = names
        read_settings(values[model], {name: values[name] for name in others})
        return f"{len(names)} are taken"

    return taken


def asks(*requests: tuple[str, str, dict[str, Any]]) -> Run:
    """Each request under a name of its own, and the status that came back."""

    def asked(at: str, server: Deployment) -> str:
        return "\n".join(f"{name} {server.post(path, body)[0]}" for name, path, body in requests)

    return asked


def nothing(at: str, server: Deployment) -> str:
    """Remarks, or another program's source: there is nothing to run."""
    del server
    return excerpt(at)


def run_shell(script: str, **environ: str) -> str:
    return run(["bash", "-c", script], **environ)


def run(command: list[str], **environ: str) -> str:
    """What it wrote, and how it ended where that was no success."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        env=os.environ | environ,
        check=False,
    )
    return done.stdout + (f"\nexit status {done.returncode}" if done.returncode else "")


def addresses(server: Deployment) -> dict[str, str]:
    return {r"http://(localhost|coder|chat|general):800[01]": server.url}


def shown(answer: tuple[int, Any]) -> str:
    status, body = answer
    return f"{status} {body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)}"


chat = partial(posts, "/v1/chat/completions", messages=[{"role": "user", "content": "Hi"}])
