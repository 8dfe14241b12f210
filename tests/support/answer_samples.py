"""Two calls as models of every format write them. Knows no parser."""

LOOK = ("look", '{"at": "a\\n<b>", "times": 2}')
WAIT = ("wait", "{}")
TOOLS = {
    "look": {
        "type": "object",
        "properties": {"at": {"type": "string"}, "times": {"type": "integer"}},
        "required": ["at", "times"],
    },
    "wait": {"type": "object", "properties": {}},
}
_JSON_LOOK = '{"name": "look", "arguments": {"at": "a\\n<b>", "times": 2}}'
_JSON_WAIT = '{"name": "wait", "arguments": {}}'
_JSON_LIST = f"[{_JSON_LOOK}, {_JSON_WAIT}]"
_PYTHON_LIST = "[look(at='a\\n<b>', times=2), wait()]"
_DEEPSEEK_CALL = (
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{}\n```json\n{}\n```<｜tool▁call▁end｜>"
)
_FUNCTIONS = (
    "{0}\n<function=look>\n<parameter=at>{1}a\n<b>{1}</parameter>\n<parameter=times>{1}2{1}</parameter>\n"
    "</function>\n{2}\n{0}\n<function=wait>\n</function>\n{2}"
)
TWO_CALLS = {
    "hermes": f"<tool_call>\n{_JSON_LOOK}\n</tool_call>\n<tool_call>\n{_JSON_WAIT}\n</tool_call>",
    "qwen3_coder": _FUNCTIONS.format("<tool_call>", "\n", "</tool_call>"),
    "seed_oss": _FUNCTIONS.format("<seed:tool_call>", "", "</seed:tool_call>"),
    "minimax_m2": '<minimax:tool_call>\n<invoke name="look">\n<parameter name="at">a\n<b></parameter>\n'
    '<parameter name="times">2</parameter>\n</invoke>\n<invoke name="wait">\n</invoke>\n</minimax:tool_call>',
    "glm45": "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>a\n<b></arg_value>\n"
    "<arg_key>times</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>wait\n</tool_call>",
    "kimi_k2": "<|tool_calls_section_begin|>"
    f"<|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{LOOK[1]}<|tool_call_end|>"
    "<|tool_call_begin|>functions.wait:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
    "<|tool_calls_section_end|>",
    "deepseek_v3": "<｜tool▁calls▁begin｜>" + _DEEPSEEK_CALL.format(*LOOK) + "\n"
    + _DEEPSEEK_CALL.format(*WAIT) + "<｜tool▁calls▁end｜>",
    "deepseek_v31": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{LOOK[1]}<｜tool▁call▁end｜>"
    "<｜tool▁call▁begin｜>wait<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "mistral": f"[TOOL_CALLS]look[CALL_ID]a1b2c3d4e[ARGS]{LOOK[1]}[TOOL_CALLS]wait[ARGS]{{}}",
    "mistral_json": f"[TOOL_CALLS] {_JSON_LIST}",
    "openai": f"<|channel|>commentary to=functions.look <|constrain|>json<|message|>{LOOK[1]}<|call|>"
    "<|start|>assistant to=functions.wait<|channel|>commentary json<|message|>{}<|call|>",
    "gemma4": '<|tool_call>call:look{at:<|"|>a\n<b><|"|>,times:2}<tool_call|>'
    "<|tool_call>call:wait{}<tool_call|>",
    "functiongemma": "<start_function_call>call:look{at:<escape>a\n<b><escape>,times:2}<end_function_call>"
    "<start_function_call>call:wait{}<end_function_call>",
    "command_r7b": '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "look", "parameters": '
    f'{LOOK[1]}}},\n    {{"tool_call_id": "1", "tool_name": "wait", "parameters": {{}}}}\n]<|END_ACTION|>',
    "nemotron": f"<TOOLCALL>{_JSON_LIST}</TOOLCALL>",
    "lfm2": f"<|tool_call_start|>{_PYTHON_LIST}<|tool_call_end|>",
    "phi4_mini_json": f"functools{_JSON_LIST}",
    "jamba": f"<tool_calls>{_JSON_LIST}</tool_calls>",
    "olmo3": "<function_calls>\nlook(at='a\\n<b>', times=2)\nwait()\n</function_calls>",
    "granite": f"<|tool_call|>{_JSON_LIST}",
    "pythonic": _PYTHON_LIST,
    "llama3_json": f'{{"name": "look", "parameters": {LOOK[1]}}}; {{"name": "wait", "parameters": {{}}}}',
}  # fmt: skip
