"""How much one grammar may cost. Knows numbers, not how they are enforced.

The engine's own limits bound most of it. They bound neither its stack nor all of its memory and time, so a
grammar is first tried in a process that may die of it (`trial.py`).
"""

TRIAL_CPU_S = 0.5
"""Compiling and a short walk; kept by the kernel, whatever the grammar engine is doing."""
TRIAL_WALL_S = 10.0
"""For a machine whose processors are taken."""
TRIAL_START_S = 60.0
"""Until its process has started and knows the vocabulary."""
TRIAL_BYTES = 192 << 20
"""Address space beyond what the process has before."""
TRIAL_STACK_BYTES = 1 << 20
"""At most half of what the worker's own threads have: what fits here fits there."""
WALK_TOKENS = 48
SLOWEST_MASK_S = 0.1
"""Of CPU time; in the worker all other sequences of a step may wait for it."""
