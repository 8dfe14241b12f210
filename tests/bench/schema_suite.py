"""Which keywords of JSON Schema are enforced, by the public test suite; prints the table of docs/structured-output.md.

    python -P tests/bench/schema_suite.py FOLDER     (tests/draft2020-12 of json-schema-org/JSON-Schema-Test-Suite,
                                                      and its optional/format)

A schema is refused, or enforced; if enforced, no instance that the suite calls invalid may be said. Valid ones
may be shut out: members in another order than the schema's, for example.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.grammars import matcher_of, takes

from penstock.protocol.constraint import Constraint
from penstock.workers.grammar.errors import GrammarError


def examine(case: dict[str, Any], counts: Counter[str]) -> list[str]:
    """Counts; names what was said though it is invalid."""
    try:
        constraint = Constraint("json_schema", json.dumps(case["schema"]))
        matcher_of(constraint)
    except GrammarError:
        counts["refused"] += 1
        return []
    counts["enforced"] += 1
    wrong = []
    for test in case["tests"]:
        data = json.dumps(test["data"], ensure_ascii=False)
        try:
            is_said = takes(constraint, data)
        except (GrammarError, UnicodeEncodeError):
            is_said = False
        counts[
            f"{'valid' if test['valid'] else 'invalid'} {'said' if is_said else 'shut out'}"
        ] += 1
        if is_said and not test["valid"]:
            wrong.append(f"{case['description']}: {test['description']}: {data}")
    return wrong


def main() -> None:
    print(
        "| keyword | schemas enforced | refused | valid instances that can be said | invalid ones |"
    )
    print("|---|---|---|---|---|")
    wrong: list[str] = []
    total: Counter[str] = Counter()
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        counts: Counter[str] = Counter()
        for case in json.loads(file.read_text()):
            wrong += [f"{file.stem}: {line}" for line in examine(case, counts)]
        valid = counts["valid said"] + counts["valid shut out"]
        print(
            f"| {file.stem} | {counts['enforced']} | {counts['refused']} "
            f"| {counts['valid said']} of {valid} | {counts['invalid said']} |"
        )
        total += counts
    print(f"\nEnforced: {total['enforced']} of {total['enforced'] + total['refused']}")
    print("\n".join(["Said though invalid:", *(wrong or ["none"])]))


if __name__ == "__main__":
    main()
