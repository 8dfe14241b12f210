"""Writes docs/settings.md from the declarations in protocol/settings. Knows no setting."""

from pathlib import Path

from penstock.protocol.flags import settings_page
from penstock.protocol.settings import SERVE_STRUCTS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
INTRODUCTION = """
# Settings of `penstock serve`

Written by `just settings` from `protocol/settings/`; do not edit.

A setting is given as a flag (`--max-model-len 8k`; underscores do as well as dashes), as a key of a YAML, TOML or
JSON file (`--config FILE`; `max_model_len: 8k`), or, where the table names one, as an environment variable. A flag
beats the file, the file the variable, the variable the default. `null` in a file means the default. A name that
nobody knows ends the start with the nearest known one; a setting that has no effect, or asks for what is not served,
says so in one line. A switch is turned off by `--no-NAME`. Lists take several words, or the flag several times. Units
are k, m, g, t (of 1000, as KB, MB, GB, TB are) and K, M, G, T (of 1024, as KiB, MiB, GiB, TiB are; as in vLLM): `8k` is
8000, `8K` 8192, `4GB` 4 · 10⁹, `4GiB` 4 · 2³⁰.

A setting that takes JSON may be given in parts: `--compilation-config.level 3`, `-cc.level=3`,
`--override-generation-config.temperature 0.5`; `--flag.key+ a,b` appends to a list. What is no JSON is text. A key of
a file may be a part too. A variable that begins with `VLLM_` and that nothing reads is said at start, with the nearest
that is read.

`penstock serve --explain ...` prints what would be started and where each value came from. `engine-core --help` and
`api-frontend --help` list what each program takes when it is started alone.

`HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE` and `HF_HUB_OFFLINE` mean what they mean to `huggingface_hub`. A variable such
as `PENSTOCK_PORT=tcp://10.0.0.7:8000` is Kubernetes telling of a service of that name, and is left alone.
"""


def page() -> str:
    return settings_page(SERVE_STRUCTS, INTRODUCTION)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
