"""Serves brook with the given `penstock`, asks it a question, fetches its pages. Knows only the standard library."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORT = 18099
URL = f"http://127.0.0.1:{PORT}"


def wait_until_ready(deadline_s: float) -> None:
    """Raises TimeoutError when /ready does not answer 200 in time."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{URL}/ready", timeout=2)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"not ready after {deadline_s} s")


def ask(question: str) -> str:
    """The model's whole answer, greedy."""
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 32}
    request = urllib.request.Request(f"{URL}/v1/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def fetch_docs() -> int:
    """How many operations the API's description has; the pages that show it must be in the package, too."""
    for path in (
        "docs",
        "docs/assets/swagger-ui-bundle.js",
        "redoc",
        "docs/assets/redoc.standalone.js",
    ):
        with urllib.request.urlopen(f"{URL}/{path}", timeout=10) as answer:
            assert answer.read(), path
    with urllib.request.urlopen(f"{URL}/openapi.json", timeout=10) as answer:
        return sum(map(len, json.load(answer)["paths"].values()))


def fetch_page() -> int:
    """How many files the page at / loads, each of which must be in the package; modules load others."""
    found, unread = set[str](), [""]
    while unread:
        path = unread.pop()
        with urllib.request.urlopen(f"{URL}/{path}", timeout=10) as answer:
            text = answer.read().decode()
        named = re.findall(r'(?:href|src)="(playground/[^"]+)"', text)
        named += [f"playground/{name}" for name in re.findall(r'from "\./([^"]+)"', text)]
        unread += [name for name in dict.fromkeys(named) if name not in found]
        found.update(named)
    return len(found)


def main(penstock: str) -> None:
    server = subprocess.Popen([penstock, "serve", "--port", str(PORT), "--host", "127.0.0.1"])
    try:
        wait_until_ready(120)
        answer = ask("Hello!")
        assert answer.strip(), "an empty answer"
        num_files, num_operations = fetch_page(), fetch_docs()
        assert num_files > 10, f"the page loads {num_files} files"
        print(
            f"the installed wheel serves: {answer!r}, a page of {num_files} files, "
            f"and describes {num_operations} operations"
        )
    finally:
        server.terminate()
        assert server.wait(60) == 0, f"exit status {server.returncode}"


if __name__ == "__main__":
    main(sys.argv[1])
