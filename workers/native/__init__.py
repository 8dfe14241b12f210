"""The decoder on native CPU kernels. Knows models and programs, nothing of sampling or scheduling."""
