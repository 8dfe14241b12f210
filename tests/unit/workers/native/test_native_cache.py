"""The bytes that a worker says a token takes are those that its cache takes."""

from dataclasses import replace

import pytest
import torch
from support.tiny_decoder import write_tiny_model

from penstock.workers.models.families import read_model_config
from penstock.workers.native.cache import NativeCache
from penstock.workers.native.suited import kv_values_per_token


@pytest.mark.parametrize("head_dim", [2, 10, 16, 24, 80, 96, 128])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_padding_counts(tmp_path, head_dim, dtype):
    config = replace(read_model_config(write_tiny_model(tmp_path)), head_dim=head_dim)
    cache = NativeCache(config, num_blocks=3, block_size=32, dtype=dtype)
    taken = sum(page.nbytes for page in cache.pages)
    assert taken == 3 * 32 * kv_values_per_token(config) * dtype.itemsize
    padded = head_dim % 16 != 0
    assert (kv_values_per_token(config) > config.kv_values_per_token) == padded
