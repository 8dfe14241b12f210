"""What config.json may say, and how a refusal names the key and what would do instead."""

import json
from typing import Any

import pytest

from penstock.protocol.errors import ModelError
from penstock.workers.models.families import read_model_config

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}


def read(tmp_path, **changes):
    values = {**LLAMA, **changes}
    (tmp_path / "config.json").write_text(json.dumps(values))
    return read_model_config(tmp_path)


def test_silent_keys_have_transformers_defaults(tmp_path):
    config = read(tmp_path)
    assert (config.num_kv_heads, config.head_dim) == (4, 16)
    assert (config.rms_norm_eps, config.rope.theta, config.dtype) == (1e-6, 10_000.0, "float32")
    assert not config.tie_embeddings
    assert config.windows == (None, None)


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_dtype_by_either_name(tmp_path, key):
    assert read(tmp_path, **{key: "bfloat16"}).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("rope", "expected"),
    [
        ({"type": "linear", "factor": 4.0}, 1024),
        ({"type": "dynamic", "factor": 2.0}, 512),
        ({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}, 512),
        ({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}, 256),
    ],
)
def test_stretching_ropes_raise_the_longest_context(tmp_path, rope, expected):
    assert read(tmp_path, rope_scaling=rope).max_position == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architectures": ["MambaForCausalLM"]}, ["architectures", "Mamba", "Qwen3ForCausalLM"]),
        ({"architectures": None}, ["architectures", "LlamaForCausalLM"]),
        ({"hidden_size": None}, ["lacks 'hidden_size'"]),
        ({"hidden_size": "64"}, ["'hidden_size'", "int"]),
        ({"vocab_size": True}, ["'vocab_size'", "int"]),
        ({"num_hidden_layers": 0}, ["'num_hidden_layers'", "positive"]),
        ({"num_attention_heads": 3}, ["'hidden_size'", "multiple of 3"]),
        ({"num_key_value_heads": 3}, ["'num_key_value_heads'", "divisor of 4"]),
        ({"hidden_act": "gelu"}, ["'hidden_act'", "silu"]),
        ({"dtype": "float8_e4m3fn"}, ["'dtype'", "bfloat16"]),
        ({"quantization_config": {"quant_method": "gptq"}}, ["'quantization_config'", "bfloat16"]),
        ({"rope_scaling": {"rope_type": "axial"}}, ["'rope_type'", "axial", "longrope"]),
        ({"rope_scaling": {"type": "linear"}}, ["rope_scaling", "lacks 'factor'"]),
        ({"rope_parameters": {"full_attention": {}}}, ["rope_parameters", "one for all layers"]),
        ({"rope_scaling": {"type": "longrope", "short_factor": [1.0]}}, ["short_factor", "8 num"]),
        (
            {
                "architectures": ["MixtralForCausalLM"],
                "num_key_value_heads": 4,
                "num_experts_per_tok": 9,
            },
            ["'num_experts_per_tok' is 9", "1 to 8, the number of experts"],
        ),
        ({"partial_rotary_factor": 1.5}, ["partial_rotary_factor", "16"]),
    ],
)
def test_refusals_name_the_key_and_the_way_out(tmp_path, changes, named):
    with pytest.raises(ModelError) as caught:
        read(tmp_path, **changes)
    for part in named:
        assert part in str(caught.value)


def test_unknown_layer_types_are_refused(tmp_path):
    qwen = {
        "architectures": ["Qwen3ForCausalLM"],
        "num_key_value_heads": 4,
        "use_sliding_window": True,
        "layer_types": ["full_attention", "linear_attention"],
    }
    with pytest.raises(ModelError, match=r"linear_attention.*sliding_attention"):
        read(tmp_path, **qwen)


@pytest.mark.parametrize(("text", "reason"), [("{", "not JSON"), ("[]", "JSON object")])
def test_broken_files(tmp_path, text, reason):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=reason):
        read_model_config(tmp_path)


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        read_model_config(tmp_path)
