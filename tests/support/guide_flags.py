"""A guide's flags, one by one: what becomes of each in `penstock serve`. Knows the declarations, starts nothing."""

import contextlib
import io

from penstock.protocol import flags
from penstock.protocol.flags.page import meaning_of
from penstock.protocol.settings import SERVE_STRUCTS

SETS, IDLE, ENDS = "it is set", "has no effect: ", "the start ends: "


def outcome_of(flag: str, *value: str) -> str:
    """What comes of a start with that flag alone, in one line."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            settings = flags.parse("serve", "", SERVE_STRUCTS, [f"--{flag}", *value], {})
    except SystemExit:
        return ENDS + said.getvalue()
    told = [notice for struct in settings for notice in flags.inert_notices(struct)]
    return IDLE + " ".join(told) if told else SETS


def described(flag: str) -> str:
    """As its declaration says."""
    if flag == "config":
        return "A YAML, TOML or JSON file of settings."
    fields = (f for struct in SERVE_STRUCTS for f in flags.fields_of(struct))
    found = next(f for f in fields if f"--{flag}" in (*f.spellings, *f.opposites))
    meaning = meaning_of(found)
    return f"Not: {meaning[0].lower()}{meaning[1:]}" if f"--{flag}" in found.opposites else meaning
