"""Puts Swagger UI and Redoc, as npm has them, into the package. Knows versions and files, not pages.

    .venv/bin/python -P tools/vendor_docs.py

A tarball that is not the pinned one is refused. The files are kept as gzip, the same bytes each time, and what they
were is written down beside them for the test that holds them to it.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "frontend/pages/docs"
REGISTRY = "https://registry.npmjs.org"


class Package(NamedTuple):
    name: str
    version: str
    sha512: str
    """As npm's `dist.integrity` has it."""
    license: str
    files: dict[str, str]
    """What each is called here, by its name in the package."""
    licenses: tuple[str, ...]


PACKAGES = (
    Package(
        "swagger-ui-dist",
        "5.35.0",
        "U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        "Apache-2.0",
        {
            "swagger-ui.css": "swagger-ui.css",
            "swagger-ui-bundle.js": "swagger-ui-bundle.js",
            "oauth2-redirect.js": "oauth2-redirect.js",
        },
        ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"),
    ),
    Package(
        "redoc",
        "2.5.4",
        "M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ==",
        "MIT",
        {"bundles/redoc.standalone.js": "redoc.standalone.js"},
        ("LICENSE", "bundles/redoc.standalone.js.LICENSE.txt"),
    ),
)


def main() -> None:
    said, known = [], {}
    for package in PACKAGES:
        members = _members(package)
        for name, here in package.files.items():
            (FOLDER / f"{here}.gz").write_bytes(gzip.compress(members[name], 9, mtime=0))
        known[package.name] = {
            "version": package.version,
            "integrity": f"sha512-{package.sha512}",
            "license": package.license,
            "sha256": {h: _sha256(members[n]) for n, h in package.files.items()},
        }
        said += [_told(package, name, members[name]) for name in package.licenses]
    (FOLDER / "licenses.txt").write_text("\n".join(said))
    (FOLDER / "vendored.json").write_text(json.dumps(known, indent=1) + "\n")


def _members(package: Package) -> dict[str, bytes]:
    url = f"{REGISTRY}/{package.name}/-/{package.name}-{package.version}.tgz"
    with urllib.request.urlopen(url, timeout=120) as answer:
        data = answer.read()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != package.sha512:
        raise SystemExit(f"{url} is not what it was: sha512-{found}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = [*package.files, *package.licenses]
        files = {name: archive.extractfile(f"package/{name}") for name in names}
        return {name: file.read() for name, file in files.items() if file is not None}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _told(package: Package, name: str, text: bytes) -> str:
    return f"==== {package.name} {package.version}: {name}\n\n{text.decode()}"


if __name__ == "__main__":
    main()
