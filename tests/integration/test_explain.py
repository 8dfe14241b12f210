"""What --explain says is what a start then reports."""

import json
import subprocess

from support.deployment import PENSTOCK, Deployment


def test_the_plan_is_what_is_started() -> None:
    flags = ["--kv-cache-memory-bytes", "64MiB", "--max-num-seqs", "5", "--block-size", "32"]
    argv = [*PENSTOCK, "serve", "brook", "--explain", "json", "--port", "0", *flags]
    told = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=240).stdout)
    batching = {name: row["value"] for name, row in told["batching"].items()}
    with Deployment(*flags) as server:
        assert (
            f"ready: {batching['KV blocks']} KV-cache blocks of {batching['block size']} tokens, "
            f"max_model_len {batching['context length']}, at most {batching['sequences in a step']} "
            f"sequences and {batching['tokens in a step']} tokens in a step"
        ) in server.log()
