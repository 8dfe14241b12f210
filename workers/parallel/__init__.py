"""Several ranks that run one model: who holds which part, and how they exchange tensors. Knows no requests."""
