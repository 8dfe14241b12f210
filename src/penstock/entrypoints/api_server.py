"""`python -m penstock.entrypoints.api_server` is `penstock serve`. Knows nothing else."""

import sys

from penstock.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
