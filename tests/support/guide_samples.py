"""What rows of the guides' table take for granted: bodies, sample values, lines around a program. Runs nothing."""

from typing import Any

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
ONCE: dict[str, Any] = {"prompt": "Once", "max_tokens": 4}
CHATS, TEXTS = "/v1/chat/completions", "/v1/completions"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SAMPLES: dict[str, dict[str, Any]] = {
    "top_p": {"top_p": 0.9}, "n": {"n": 2}, "stream": {"stream": True}, "stop": {"stop": ["."]},
    "presence_penalty": {"presence_penalty": 0.5}, "frequency_penalty": {"frequency_penalty": 0.5},
    "temperature": {"temperature": 0.5}, "max_tokens": {"max_tokens": 3}, "seed": {"seed": 1},
    "top_k": {"top_k": -1}, "response_format": {"response_format": {"type": "json_object"}},
    "guided_json": {"guided_json": {"type": "object"}}, "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 2}, "tools": {"tools": [TOOL]},
    "tool_choice": {"tools": [TOOL], "tool_choice": "none"}, "messages": {}, "model": {"model": "brook"},
}  # fmt: skip
REQUESTS = "import os, requests\n"
NO_BASE = REQUESTS + (
    "post, prompts = requests.post, ['One', 'Two']\n"
    "requests.post = lambda path, json: print(post(os.environ['GUIDE_URL'] + path, json=json).json()['object'])\n"
)
CALL_VLLM = REQUESTS + (
    "def call_vllm(url, prompt):\n"
    "    return requests.post(url + '/completions', json={'prompt': prompt, 'max_tokens': 2}).json()['object']\n"
)
ASK_NGINX = f"""curl -s -N $NGINX{CHATS} -d '{{"messages": [{{"role": "user", "content": "Hi"}}], "stream": true}}'"""
NGINX_3 = {
    r"limit_conn_zone .*;": "limit_conn_zone $binary_remote_addr zone=conn_per_ip:10m;",
    r"limit_conn zone=.*;": "limit_conn conn_per_ip 20;",
    r"content_type": "default_type",
}
"""Three lines of that guide's file that nginx does not take."""
OF_LLM: dict[str, Any] = {
    "model": "brook", "tensor_parallel_size": 1, "gpu_memory_utilization": 0.5, "max_model_len": 512,
    "quantization": None, "dtype": "auto", "trust_remote_code": True, "spec_method": "ngram", "spec_model": "x",
    "spec_tokens": 5,
}  # fmt: skip
