"""docs/settings.md, written from the declarations. Knows Markdown, not what settings mean."""

from penstock.protocol.flags.command_line import (
    Structs,
    by_struct,
    effect_by_value,
    effect_of,
    title_of,
)
from penstock.protocol.flags.field import Field

_HEADER = "| flag | default | variables | what it does |\n|---|---|---|---|"


def settings_page(structs: Structs, introduction: str) -> str:
    """The whole page: one table for each struct, rows in the order of declaration."""
    sections = [
        f"## {title_of(struct)}\n\n{_HEADER}\n" + "\n".join(map(_row, fields))
        for struct, fields in by_struct(structs)
    ]
    return "\n\n".join([introduction.strip(), *sections]) + "\n"


def _row(field: Field) -> str:
    flags = sorted(field.spellings, key=len, reverse=True)
    cells = [
        "<br>".join([*(f"`{flag}`" for flag in flags), *(f"off: `{o}`" for o in field.opposites)]),
        "" if field.default_word == "not set" else field.default_word,
        "<br>".join(f"`{v}`" for v in field.variables),
        meaning_of(field),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def meaning_of(field: Field) -> str:
    """What a setting does, what it may be, and what becomes of single values."""
    choices = f"One of {', '.join(field.choices)}." if field.choices else ""
    return " ".join(filter(None, [effect_of(field), choices, effect_by_value(field)]))
