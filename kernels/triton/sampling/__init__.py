"""Logits to tokens on GPUs. Knows logits and records, not slots or requests."""
