"""Native kernels for CPUs: C++ under `source/`, built on first use. Know no model and no requests."""
