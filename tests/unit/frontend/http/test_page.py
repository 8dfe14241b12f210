"""The page at /: what is served, with which headers, and what its files may hold."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.front import Front

from penstock.frontend.pages import home

FILES = sorted(path.name for path in home.FOLDER.iterdir() if path.name != "index.html")
SCRIPTS = [name for name in FILES if name.endswith(".js")]
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@pytest.fixture(scope="module")
def locked(byte_model: Path) -> Iterator[Front]:
    with Front(byte_model, api_key=["sk-one"]) as front:
        yield front


def source(name: str) -> str:
    return (home.FOLDER / name).read_text(encoding="utf-8")


# ---- over HTTP


def test_the_page_comes_with_a_policy_that_lets_nothing_else_run(front: Front) -> None:
    answer = front.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert {"connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "require-trusted-types-for 'script'" in policy
    assert not re.search(r"unsafe|\*|http", answer.headers["content-security-policy"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_by_its_kind(front: Front, name: str) -> None:
    answer = front.get(f"/playground/{name}")
    assert answer.status == 200
    assert answer.data == (home.FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == TYPES[Path(name).suffix]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/playground/main.js"])
def test_a_browser_that_has_a_file_asks_whether_it_is_still_the_same(
    front: Front, path: str
) -> None:
    first = front.get(path)
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = front.get(path, If_None_Match=known)
        assert (again.status, again.data, again.headers["etag"]) == (304, b"", tag)
        assert "content-security-policy" in again.headers
    assert front.get(path, If_None_Match='"other"').status == 200


@pytest.mark.parametrize("path", ["/", "/playground/base.css"])
def test_head_says_what_get_would(front: Front, path: str) -> None:
    head, whole = front.ask("HEAD", path), front.get(path)
    assert (head.status, head.data) == (200, b"")
    for name in ("content-type", "content-length", "etag", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "name",
    ["", "nothing.js", "index.html", "..%2fhome.py", "%2e%2e/home.py", "../assets.py", "a/main.js"],
)
def test_what_is_no_part_of_it_is_not_there(front: Front, name: str) -> None:
    answer = front.get(f"/playground/{name}")
    assert (answer.status, answer.error["code"]) == (404, 404)


def test_it_is_only_read(front: Front) -> None:
    answer = front.post("/", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET,HEAD")


def test_the_page_is_open_and_what_it_asks_for_is_not(locked: Front) -> None:
    assert locked.get("/").status == 200
    assert locked.get("/playground/main.js").status == 200
    assert locked.get("/playground/nothing.js").status == 404
    assert locked.get("/v1/stats").status == 401
    assert locked.get("/v1/stats", Authorization="Bearer sk-one").status == 200


def test_it_can_be_left_out(byte_model: Path) -> None:
    with Front(byte_model, playground=False) as front:
        assert front.get("/").status == 404
        assert front.get("/playground/main.js").status == 404
        assert front.get("/v1/stats").status == 200


# ---- what the files hold


class Links(HTMLParser):
    """Addresses that a page names, and whatever the policy would forbid it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src"):
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


def test_every_address_is_relative_and_served() -> None:
    links = Links(source("index.html"))
    assert links.inline == []
    files = [address for address in links.addresses if not address.startswith("#")]
    assert len(files) >= 5
    assert all(address.removeprefix("playground/") in FILES for address in files)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_imports_its_neighbours_and_never_writes_html(name: str) -> None:
    text = source(name)
    imported = re.findall(r'(?:from|import) "([^"]+)"', text)
    assert all(path.startswith("./") and path[2:] in SCRIPTS for path in imported)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage|https?://",
        text.replace('"http://www.w3.org/2000/svg"', ""),
    )
    assert text.startswith("// ")
    assert len(text.splitlines()) < 300


def test_every_module_is_used_and_every_id_exists() -> None:
    scripts = {name: source(name) for name in SCRIPTS}
    page, everything = source("index.html"), "\n".join(scripts.values())
    unused = [n for n in SCRIPTS if f'"./{n}"' not in everything and f"playground/{n}" not in page]
    assert unused == []
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'byId\("([^"]+)"\)', everything)) <= ids
