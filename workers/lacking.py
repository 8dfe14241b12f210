"""What is said where a machine lacks what a GPU's rank needs. Knows words."""

NO_TRITON = "a GPU's kernels need Triton: pip install 'penstock[gpu]'"
NO_GPU = "--device cuda: there is no CUDA device here that torch can use"
