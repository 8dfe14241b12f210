"""Tests share helpers from tests/support, imported as `support`, and see torch as a worker does."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from penstock.workers.threads import SAME_SUMS

for name, value in SAME_SUMS.items():
    os.environ.setdefault(name, value)
