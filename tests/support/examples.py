"""How many examples a property is tried with: few as a rule, ten times as many in the deep run. Knows no property.

    pytest --hypothesis-profile=deep tests/unit

The ordinary run tries the same examples every time, so that what it says of a change is about the change; the deep
one tries new ones. Time is no property: on a busy machine an example takes as long as it takes.
"""

from typing import Any

from hypothesis import HealthCheck, settings

USUAL = 100
settings.register_profile(
    "ordinary",
    max_examples=USUAL,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    settings.get_profile("ordinary"),
    max_examples=10 * USUAL,
    derandomize=False,
    print_blob=True,
)


def examples(few: int, **others: Any) -> settings:
    """Settings for a property whose examples are dear: `few` of them, or the deep run's many."""
    return settings(max_examples=few * settings.default.max_examples // USUAL, **others)
