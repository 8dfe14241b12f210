"""The oracle: every op in plain torch, on any device. Knows nothing of speed."""
