"""Ops with one signature and several implementations. Know tensors only, never sequences or requests."""
