"""`python -m penstock.entrypoints.openai.api_server` is `penstock serve`. Knows nothing else."""

import sys

from penstock.protocol.readers import reader_may_leave
from penstock.supervisor import main

if __name__ == "__main__":
    with reader_may_leave():
        sys.exit(main(sys.argv[1:]))
