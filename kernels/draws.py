"""How one row's token is chosen, as a record that native code reads too. Knows no logits."""

import numpy as np
import numpy.typing as npt

DRAW = np.dtype(
    [
        ("temperature", np.float64),  # 0 takes the best
        ("top_p", np.float64),  # 1 is off
        ("min_p", np.float64),  # 0 is off
        ("uniform", np.float64),  # the row's noise, in [0, 1)
        ("top_k", np.int64),  # 0 is off
    ]
)
Draws = npt.NDArray[np.void]
"""An array of `DRAW`."""
