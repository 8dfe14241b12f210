"""What one row's history does to its logits, as a record that native code reads too. Knows no logits."""

import numpy as np
import numpy.typing as npt

PENALTY = np.dtype(
    [
        ("row", np.int64),  # of the logits
        ("slot", np.int64),  # of the tokens
        ("num_prompt", np.int64),  # frequency and presence look at the tokens after these
        ("num_tokens", np.int64),
        ("repetition", np.float64),  # 1 is off
        ("frequency", np.float64),  # 0 is off
        ("presence", np.float64),  # 0 is off
    ]
)
Penalties = npt.NDArray[np.void]
"""An array of `PENALTY`, of different rows."""
