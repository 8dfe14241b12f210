"""A plan as text or as JSON. Knows columns, not what the rows mean."""

from collections.abc import Callable

import msgspec

from penstock.explain.rows import Plan

SCHEMA = "penstock-plan/1"


def as_text(plan: Plan) -> str:
    """Sections of three columns: name, value, where it came from."""
    rows = [row for section in plan.values() for row in section]
    names, shown = (max(len(text) for text in column) for column in zip(
        *((row.name, row.shown[:40]) for row in rows), strict=True))  # fmt: skip
    lines = []
    for title, section in plan.items():
        lines.append(f"\n{title}")
        lines += [f"  {r.name:<{names}}  {r.shown:<{shown}}  [{r.source}]" for r in section]
    return "\n".join(lines).lstrip("\n")


def as_json(plan: Plan) -> str:
    """{"schema": ..., section: {name: {"value": ..., "source": ...}}}"""
    sections = {
        title: {row.name: {"value": row.value, "source": row.source} for row in section}
        for title, section in plan.items()
    }
    whole = msgspec.json.encode({"schema": SCHEMA, **sections})
    return msgspec.json.format(whole, indent=2).decode()


FORMS: dict[str, Callable[[Plan], str]] = {"text": as_text, "json": as_json}
