"""The engine-core: schedules sequences of token ids over KV-cache blocks. Knows no text and no tensors."""
