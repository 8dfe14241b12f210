"""Real templates render as transformers renders them; ours is the part that clients get wrong."""

import copy
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import SandboxedEnvironment

from penstock.frontend.text.chat_template import ChatTemplate, ChatTemplates
from penstock.frontend.text.conversation import Conversation
from penstock.frontend.text.errors import TemplateError, TextError

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather <b> für é",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "City"},
                    "days": {"type": "integer", "enum": [1, 2], "description": "Days"},
                },
                "required": ["city"],
            },
        },
    }
]
CALL = {
    "role": "assistant",
    "content": "Let me see.",
    "tool_calls": [
        {
            "id": "call12345",
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 1}},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call12345", "name": "get_weather", "content": '{"t": 3}'}
SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "How <|im_end|> is it in Köln?"}
TURN = Conversation([USER])
ANSWER = {"role": "assistant", "content": "Cold. "}
TWO_CALLS = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        *CALL["tool_calls"],
        {
            "id": "call67890",
            "type": "function",
            "function": {
                "name": "get_weather",
                "arguments": {"city": 'Ö"<', "days": [1, 2.5, None, True], "at": {"x": {}}},
            },
        },
    ],
}
OTHER_RESULT = {"role": "tool", "tool_call_id": "call67890", "name": "get_weather", "content": "4"}
REASONED = {**ANSWER, "reasoning_content": "Hm."}
CASES: dict[str, dict[str, Any]] = {
    "user": {"messages": [USER]},
    "system": {"messages": [SYSTEM, USER]},
    "turns": {"messages": [SYSTEM, USER, ANSWER, USER]},
    "tools": {"messages": [USER], "tools": TOOLS},
    "tool results": {"messages": [USER, CALL, RESULT, ANSWER, USER], "tools": TOOLS},
    "after a tool": {"messages": [SYSTEM, USER, CALL, RESULT], "tools": TOOLS},
    "reasoning": {"messages": [USER, {**ANSWER, "reasoning": "Hm."}, USER]},
    "continued": {"messages": [USER, ANSWER], "continue_final_message": True},
    "continued, alone": {"messages": [ANSWER], "continue_final_message": True},
    "documents": {"messages": [USER], "documents": [{"title": "T", "text": "D", "doc_id": 1}]},
    "switch": {"messages": [USER], "variables": {"enable_thinking": False, "eos_token": "!"}},
    "roles that do not alternate": {"messages": [USER, USER]},
    "an unknown role": {"messages": [USER, {"role": "wizard", "content": "Hex"}]},
    "no prompt": {"messages": [USER, ANSWER], "add_generation_prompt": False},
    "two calls": {"messages": [USER, TWO_CALLS, RESULT, OTHER_RESULT], "tools": TOOLS},
    "two tools": {"messages": [SYSTEM, USER], "tools": [*TOOLS, *TOOLS]},
    "tools and documents": {
        "messages": [SYSTEM, USER],
        "tools": TOOLS,
        "documents": [{"title": "T", "text": "<é>", "doc_id": 1}, {"title": "U", "text": ""}],
    },
    "thinking": {"messages": [USER], "variables": {"enable_thinking": True, "thinking": True}},
    "effort": {"messages": [SYSTEM, USER], "variables": {"reasoning_effort": "low"}},
    "reasoning under its other name": {"messages": [USER, REASONED, USER]},
    "reasoning before a call": {
        "messages": [USER, {**CALL, "reasoning_content": "Hm."}, RESULT],
        "tools": TOOLS,
    },
    "reasoning, continued": {"messages": [USER, REASONED], "continue_final_message": True},
    "continued behind a tool": {
        "messages": [USER, CALL, RESULT, ANSWER],
        "tools": TOOLS,
        "continue_final_message": True,
    },
    "continued white space": {
        "messages": [USER, {"role": "assistant", "content": "  a \n b\n\n "}],
        "continue_final_message": True,
    },
    "an empty answer": {"messages": [USER, {"role": "assistant", "content": ""}, USER]},
    "a name": {"messages": [{**USER, "name": "Ann"}]},
    "a date of its own": {
        "messages": [USER],
        "variables": {"date_string": "1 May", "builtin_tools": []},
    },
    "twenty turns": {"messages": [SYSTEM, *[USER, REASONED] * 10, USER]},
}
PARTS_CASES: dict[str, list[dict[str, Any]]] = {
    "system": [SYSTEM, USER],
    "answer": [USER, ANSWER, USER],
    "tool": [USER, CALL, RESULT],
}
PARTS = {
    "messages": [{"role": "user", "content": [{"type": "text", "text": t} for t in ("a", "b")]}]
}


def _ours(templates: ChatTemplates, case: dict[str, Any]) -> str | None:
    case = {"add_generation_prompt": not case.get("continue_final_message"), **case}
    try:
        return templates.render(Conversation(**case))
    except TextError:
        return None


def _theirs(source: str, case: dict[str, Any], may_change_lists: bool = True) -> str | None:
    """As transformers renders it; it lets templates change no lists, for which some were made."""
    utils = pytest.importorskip("transformers.utils.chat_template_utils")
    if may_change_lists:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(utils, "_compile_jinja_template", _changing_lists)
            return _rendered(utils, source, case)
    return _rendered(utils, source, case)


@functools.lru_cache
def _changing_lists(source: str) -> Any:
    utils = pytest.importorskip("transformers.utils.chat_template_utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "ImmutableSandboxedEnvironment", SandboxedEnvironment)
        return utils._cached_compile_jinja_template(source)


def _rendered(utils: Any, source: str, case: dict[str, Any]) -> str | None:
    case = copy.deepcopy(case)
    # apply_chat_template drops keys without a value before it comes here.
    case["messages"] = [{k: v for k, v in m.items() if v is not None} for m in case["messages"]]
    generation = case.pop("add_generation_prompt", not case.get("continue_final_message"))
    try:
        rendered, _ = utils.render_jinja_template(
            [case.pop("messages")],
            chat_template=source,
            add_generation_prompt=generation,
            **{**SPECIAL, **case.pop("variables", {})},
            **case,
        )
    except Exception:
        return None
    return str(rendered[0])


@pytest.fixture(scope="module")
def real(shared: Path) -> dict[str, tuple[str, ChatTemplates]]:
    """name -> (source, compiled)."""
    sources = {
        path.stem: path.read_text("utf-8") for path in (shared / "templates").glob("*.jinja")
    }
    return {
        name: (source, ChatTemplates({"default": source}, SPECIAL))
        for name, source in sources.items()
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_real_templates_render_as_in_transformers(
    real: dict[str, tuple[str, ChatTemplates]], case: dict[str, Any]
) -> None:
    for name, (source, templates) in real.items():
        pastes_arguments = templates.pick().traits.arguments == "text"
        if not (pastes_arguments and CALL in case["messages"]):
            assert _ours(templates, case) == _theirs(source, case), name


def test_templates_that_walk_through_parts_get_parts(
    real: dict[str, tuple[str, ChatTemplates]],
) -> None:
    for name, (source, templates) in real.items():
        if templates.pick().traits.content == "text":
            joined = {"messages": [{"role": "user", "content": "a\nb"}]}
            assert _ours(templates, PARTS) == _ours(templates, joined), name
        else:
            assert _ours(templates, PARTS) == _theirs(source, PARTS), name


@pytest.mark.parametrize("messages", PARTS_CASES.values(), ids=PARTS_CASES.keys())
def test_parts_read_as_the_text_they_hold(
    real: dict[str, tuple[str, ChatTemplates]], messages: list[dict[str, Any]]
) -> None:
    """Whoever speaks."""
    as_parts = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
    for name, (_, templates) in real.items():
        plain = _ours(templates, {"messages": messages, "tools": TOOLS})
        assert _ours(templates, {"messages": as_parts, "tools": TOOLS}) == plain, name


@pytest.mark.parametrize("call", [CALL, TWO_CALLS])
def test_arguments_as_text_read_as_the_object_they_spell(
    real: dict[str, tuple[str, ChatTemplates]], call: dict[str, Any]
) -> None:
    spelled = copy.deepcopy(call)
    for each in spelled["tool_calls"]:
        each["function"]["arguments"] = json.dumps(each["function"]["arguments"])
    for name, (_, templates) in real.items():
        cases = [{"messages": [USER, c, RESULT], "tools": TOOLS} for c in (call, spelled)]
        assert _ours(templates, cases[0]) == _ours(templates, cases[1]), name


def test_a_developer_is_shown_as_what_the_template_knows(
    real: dict[str, tuple[str, ChatTemplates]],
) -> None:
    developer = {**SYSTEM, "role": "developer"}
    for name, (source, templates) in real.items():
        shown = developer if templates.pick().traits.knows_developer else SYSTEM
        theirs = _theirs(source, {"messages": [shown, USER]})
        assert _ours(templates, {"messages": [developer, USER]}) == theirs, name


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content", "thinking"])
def test_reasoning_reaches_the_template_under_each_of_its_names(
    real: dict[str, tuple[str, ChatTemplates]], key: str
) -> None:
    """What one server answers as `reasoning` another's template wants as `reasoning_content`."""
    shown = 0
    for name, (_, templates) in real.items():
        case = {"messages": [USER, {**CALL, key: "Hm, hm."}, RESULT], "tools": TOOLS}
        plain = {"messages": [USER, {**CALL, "reasoning_content": "Hm, hm."}, RESULT]}
        text = _ours(templates, case)
        assert text == _ours(templates, {**plain, "tools": TOOLS}), name
        shown += "Hm, hm." in (text or "")
    assert shown >= 5


@pytest.mark.parametrize(
    "name", ["Qwen-Qwen3-0.6B", "Qwen-QwQ-32B", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"]
)
def test_a_call_without_content_renders_where_transformers_fails(
    real: dict[str, tuple[str, ChatTemplates]], name: str
) -> None:
    """What OpenAI's clients send back: no content, arguments as text."""
    source, templates = real[name]
    function = {"name": "get_weather", "arguments": json.dumps({"city": "Köln"})}
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call12345", "type": "function", "function": function}],
    }
    case = {"messages": [USER, call, RESULT], "tools": TOOLS}
    assert '"city": "Köln"' in templates.render(Conversation(**case))
    assert _theirs(source, case) is None
    assert isinstance(function["arguments"], str)


def test_a_queue_of_calls_renders_where_transformers_fails(
    real: dict[str, tuple[str, ChatTemplates]],
) -> None:
    """The template notes down each call, and takes it from the list when its result comes."""
    source, templates = real["Kimi-K2-Instruct"]
    case = CASES["two calls"]
    text = templates.render(Conversation(**case))
    assert text.count("## Return of functions.get_weather:0") == 1
    assert text.count("## Return of functions.get_weather:1") == 1
    assert _theirs(source, case, may_change_lists=False) is None


def test_a_template_may_change_its_own_lists() -> None:
    source = (
        "{% set own = [2] %}{% set _ = own.insert(0, 1) %}{% set _ = own.append(messages[0].nothing) %}"
        "{{ own.pop() }}{{ own }}{% set copy = messages[:] %}{% set _ = copy.append({'a': [1.5, none]}) %}"
        "{{ copy | length }}{{ messages | length }}{% macro m(l=[]) %}{% set _ = l.append(1) %}{{ l }}"
        "{% endmacro %}{{ m() }}{{ m() }}{% block b scoped %}{% set _ = own.append(3) %}{{ own }}{% endblock %}"
    )
    template = ChatTemplate(source)
    assert template.render(TURN) == template.render(TURN) == "[1, 2]21[1][1][1, 2, 3]"


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.append(1) }}",
        "{{ tools[0].list.insert(0, 1) }}",
        "{% set own = [tools] %}{{ own[0].append(1) }}",
        "{% for m in messages %}{% for p in m.content %}{% endfor %}{{ m['content'].append(1) }}{% endfor %}",
        "{{ own.append(1) }}",
        "{% block b scoped %}{{ own.append(1) }}{% endblock %}",
        "{% set own = [1, 2] %}{{ own.extend(own) }}",
        "{% set own = [1, 2] %}{{ own.clear() }}",
        "{% set own = {} %}{{ own.update(a=1) }}",
    ],
)
def test_no_other_list_may_be_changed(source: str) -> None:
    """Nor in other ways."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "a"}]}]
    tools, own = [{"list": [1]}], [1]
    with pytest.raises(TemplateError, match=r"given|unsafe"):
        ChatTemplate(source).render(Conversation(messages, tools=tools, variables={"own": own}))
    assert (len(messages), len(messages[0]["content"]), tools, own) == (1, 1, [{"list": [1]}], [1])


def test_a_developer_is_the_system_where_the_template_knows_none() -> None:
    plain = "{% for m in messages %}[{{ m.role }}]{% endfor %}"
    aware = plain + "{% if messages[0].role == 'developer' %}!{% endif %}"
    developer = [{"role": "developer", "content": "x"}]
    assert ChatTemplate(plain).render(Conversation(developer)) == "[system]"
    assert ChatTemplate(aware).render(Conversation(developer)) == "[developer]!"


def test_system_and_developer_become_one_system_message() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}|{% endfor %}")
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}
    rendered = template.render(Conversation([SYSTEM, {"role": "user", "content": "Hi"}, developer]))
    assert rendered == "system: Be brief.\n\nBe kind.|user: Hi|"


def test_parts_are_wanted_where_content_is_walked_through() -> None:
    loop = "{% for m in messages %}{% for p in m.content %}{{ p.text }};{% endfor %}{% endfor %}"
    either = "{% if messages[0].content is string %}{{ messages[0].content }}{% else %}" + loop
    macro = (
        "{% macro show(c) %}{% for p in c %}{{ p.text }}{% endfor %}{% endmacro %}"
        "{{ show(messages[0]['content']) }}"
    )
    assert ChatTemplate(loop).render(TURN) == USER["content"] + ";"
    assert ChatTemplate(either + "{% endif %}").render(TURN) == USER["content"]
    assert ChatTemplate(macro).render(TURN) == USER["content"]


def test_other_parts_than_text_are_refused() -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    with pytest.raises(TextError, match="image_url"):
        ChatTemplate("{{ messages[0].content }}").render(Conversation([image]))


@pytest.mark.parametrize("content", [7, {"type": "text"}, [7], [{"type": "text"}]])
def test_content_of_another_shape_is_refused(content: object) -> None:
    with pytest.raises(TextError):
        ChatTemplate("{{ messages[0].content }}").render(
            Conversation([{"role": "user", "content": content}])
        )


@pytest.mark.parametrize("calls", [7, [7], [{"type": "custom"}], [{"function": 1}]])
def test_tool_calls_of_another_shape_are_refused(calls: object) -> None:
    with pytest.raises(TextError):
        ChatTemplate("x").render(Conversation([{"role": "assistant", "tool_calls": calls}]))


@pytest.mark.parametrize("arguments", ["{broken", "[1]", "3", None, ""])
def test_arguments_a_model_got_wrong_become_an_empty_object(arguments: str | None) -> None:
    call = {"function": {"name": "f", "arguments": arguments}}
    template = ChatTemplate("{{ messages[0].tool_calls[0].function.arguments | tojson }}")
    assert template.render(Conversation([{"role": "assistant", "tool_calls": [call]}])) == "{}"


@pytest.mark.parametrize("arguments", ["[" * 100_000, '{"a":' * 100_000])
def test_arguments_nested_too_deeply_are_refused(arguments: str) -> None:
    call = {"function": {"name": "f", "arguments": arguments}}
    with pytest.raises(TextError, match="nested too deeply"):
        ChatTemplate("x").render(Conversation([{"role": "assistant", "tool_calls": [call]}]))


def test_a_final_message_that_the_template_hides_cannot_be_continued() -> None:
    template = ChatTemplate("{# content #}nothing")
    with pytest.raises(TemplateError, match="final message"):
        template.render(
            Conversation([ANSWER], add_generation_prompt=False, continue_final_message=True)
        )


def test_continuing_and_prompting_exclude_each_other() -> None:
    with pytest.raises(TextError, match="both"):
        ChatTemplate("x").render(Conversation([ANSWER], continue_final_message=True))


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(TextError, match="at least one message"):
        ChatTemplate("x").render(Conversation([]))


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("a\n\n{{ raise_exception('not so') }}", 3, "not so"),
        ("a\n{{ 1 + 'x' }}", 2, "unsupported operand"),
        ("{{ nothing.at.all }}", 1, "undefined"),
        ("{% macro q(v) %}\n{{ v + 1 }}{% endmacro %}\n{{ q('a') }}", 2, "concatenate"),
    ],
)
def test_an_error_names_the_line(source: str, line: int, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason) as error:
        ChatTemplate(source).render(TURN)
    assert error.value.line == line
    assert source.splitlines()[line - 1] in str(error.value)


def test_only_the_beginning_of_a_long_line_is_quoted() -> None:
    with pytest.raises(
        TemplateError, match=r"line 1 of the chat template: \{\{ 1 .*\.\.\.\)"
    ) as error:
        ChatTemplate("{{ 1 + 'x' }}" + "y" * 10_000).render(TURN)
    assert len(str(error.value)) < 400


def test_a_broken_template_names_the_line() -> None:
    with pytest.raises(TemplateError, match=r"line 2 of the chat template: \{% if %\}") as error:
        ChatTemplate("\n{% if %}")
    assert error.value.line == 2


@pytest.mark.parametrize(
    "source",
    [
        "{{ ().__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{% for i in range(10 ** 7) %}{% endfor %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 2 ** 10000000 }}",
        "{{ 2 ** 1000 ** 1000 ** 1000 }}",
        "{{ '%999999999d' % 1 }}",
        "{% set ns = namespace(x='a') %}{% for i in range(50) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}",
        "{{ namespace(_x=1) }}",
        "{{ dict.__class__.__mro__ }}",
    ],
)
def test_a_template_cannot_break_out_or_blow_up(source: str) -> None:
    with pytest.raises(TemplateError):
        assert ChatTemplate(source).render(TURN) == ""


def test_the_sandbox_offers_what_transformers_does() -> None:
    source = (
        "{% generation %}a{% endgeneration %}{% for i in range(9) %}{% if i == 1 %}{% break %}"
        "{% endif %}{{ i }}{% endfor %}{{ {'é': '<'} | tojson }}{{ dict(a=1) }}"
        "{% set ns = namespace(self=2) %}{{ ns.self }}{{ strftime_now('%Y') | length }}"
    )
    rendered = ChatTemplate(source).render(TURN)
    assert rendered == 'a0{"é": "<"}' + "{'a': 1}24"


def test_templates_are_picked_by_name_and_by_tools() -> None:
    templates = ChatTemplates({"default": "d", "tool_use": "t", "rag": "r"})
    assert templates.render(TURN) == "d"
    assert templates.render(Conversation([USER], tools=TOOLS)) == "t"
    assert templates.pick("rag").render(TURN) == "r"
    with pytest.raises(TextError, match="default, rag, tool_use"):
        templates.pick("other")
    with pytest.raises(TextError, match="no chat template"):
        ChatTemplates({}).render(TURN)
    with pytest.raises(TextError, match="none of"):
        ChatTemplates({"rag": "r"}).render(TURN)


def test_templates_in_files_win_over_the_configuration(tmp_path: Path) -> None:
    listed = [{"name": "default", "template": "listed"}, {"name": "rag", "template": "r"}]
    assert not ChatTemplates.load(tmp_path)
    assert ChatTemplates.load(tmp_path, "config").render(TURN) == "config"
    assert ChatTemplates.load(tmp_path, listed).render(TURN) == "listed"
    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}file")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    loaded = ChatTemplates.load(tmp_path, listed, SPECIAL)
    assert loaded.render(TURN) == "<s>file"
    assert loaded.render(Conversation([USER], tools=TOOLS)) == "tools"


def test_a_request_cannot_replace_the_conversation() -> None:
    with pytest.raises(TextError, match="messages"):
        ChatTemplates({"default": "x"}).render(Conversation([USER], variables={"messages": []}))
