"""Settings from flags, environment and files, and back to flags."""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.protocol import flags
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import (
    SERVE_STRUCTS,
    EngineSettings,
    FrontendSettings,
    ServeSettings,
    WorkerSettings,
)
from penstock.protocol.settings.field import described

ALL: list[type[msgspec.Struct]] = [ServeSettings, FrontendSettings, EngineSettings]


def _engine(*argv: str, **environ: str) -> EngineSettings:
    settings: EngineSettings = flags.parse("engine-core", "", [EngineSettings], argv, environ)[0]
    return settings


def test_no_flag_gives_every_default() -> None:
    assert _engine() == EngineSettings()


def test_the_model_may_be_positional() -> None:
    assert _engine("some/model").model == "some/model"
    assert _engine("--model", "some/model").model == "some/model"


def test_aliases_mean_the_same() -> None:
    assert _engine("-tp", "1") == _engine("--tp", "1") == _engine("--tensor-parallel-size", "1")


def test_shared_settings_reach_every_program() -> None:
    _, frontend, engine = flags.parse(
        "penstock serve", "", ALL, ["m", "--served-model-name", "a", "b"], {}
    )
    assert frontend.model == engine.model == "m"
    assert frontend.served_model_name == engine.served_model_name == ["a", "b"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--max-num-seqs", "0"], ["--max-num-seqs", ">= 1"]),
        (["--block-size", "7"], ["--block-size", "7"]),
        (["--max-model-len", "long"], ["--max-model-len", "8k"]),
        (["--gpu-memory-utilization", "1.5"], ["--gpu-memory-utilization", "<= 1"]),
        (["--silence-s", "1"], ["--silence-s 1", "--heartbeat-s 1"]),
        (["--max-num-seqqs", "4"], ["--max-num-seqqs", "--max-num-seqs"]),
    ],
)
def test_a_wrong_flag_exits_2_and_says_which_bound(
    argv: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _engine(*argv)
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words), told


def test_flag_beats_file_beats_environment_beats_default(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("worker-start-timeout-s: 20\nseed: null\n")
    variable = {"VLLM_ENGINE_READY_TIMEOUT_S": "30"}
    assert _engine(**variable).worker_start_timeout_s == 30
    assert _engine("--config", str(config), **variable).worker_start_timeout_s == 20
    assert (
        _engine("--config", str(config), "--worker-start-timeout-s", "10").worker_start_timeout_s
        == 10
    )
    assert _engine("--config", str(config)).seed == 0


def test_toml_serves_as_well_as_yaml(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('max_num_seqs = 8\nserved_model_name = ["x"]\n')
    engine = _engine("--config", str(config))
    assert (engine.max_num_seqs, engine.served_model_name) == (8, ["x"])


@pytest.mark.parametrize("text", ["max_num_seqz: 3", "- a list", "{", "max_num_seqs: many"])
def test_a_wrong_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=r"config|max-num-seqs"):
        flags.convert(EngineSettings, {}, {}, flags.read_file(str(config), [EngineSettings]))


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--dtype", "int4"), r"--dtype: .*int4.* \(one of auto, .*float32.*\)"),
        (("--block-size", "7"), r"--block-size: .*7.* \(one of 8, 16, 32, 64, 128\)"),
        (("--max-num-seqs", "0"), r"--max-num-seqs: .*>= 1"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_do(
    argv: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _engine(*argv)
    assert re.search(told, capsys.readouterr().err)


def test_settings_survive_the_way_to_another_program() -> None:
    engine = _engine(
        "m",
        "--max-model-len",
        "8k",
        "--no-enable-prefix-caching",
        "--served-model-name",
        "a",
        "b c",
    )
    assert _engine(*flags.to_argv(engine)) == engine
    frontend = FrontendSettings(
        override_generation_config={"temperature": 0.5}, max_body_bytes=None
    )
    assert flags.parse("x", "", [FrontendSettings], flags.to_argv(frontend), {})[0] == frontend


def test_a_default_that_was_asked_for_beats_the_variable_in_a_child_too() -> None:
    variables = {"PENSTOCK_PORT": "9000", "OMP_NUM_THREADS": "2", "PENSTOCK_LOG_LEVEL": "debug"}
    for struct in ALL:
        settings = struct()
        argv = flags.to_argv(settings)
        assert flags.parse("x", "", [struct], argv, variables)[0] == settings


def test_a_list_may_be_given_at_once_or_one_by_one() -> None:
    at_once = flags.parse("x", "", [FrontendSettings], ["--api-key", "a", "b"], {})[0]
    one_by_one = flags.parse("x", "", [FrontendSettings], ["--api-key", "a", "--api-key", "b"], {})[
        0
    ]
    assert at_once == one_by_one
    assert at_once.api_key == ["a", "b"]


def test_a_secret_travels_by_environment_and_never_by_command_line() -> None:
    frontend = FrontendSettings(api_key=["k1", "k2"])
    assert "k1" not in " ".join(flags.to_argv(frontend))
    environ = flags.secret_environ(frontend)
    assert flags.parse("x", "", [FrontendSettings], flags.to_argv(frontend), environ)[0] == frontend


_KEY = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(st.lists(_KEY, min_size=1))
@example(["a,b"])
@example(["a,b", "c"])
@example(['["a"]'])
@example(["[", "]"])
@example(["1"])
def test_a_key_arrives_whatever_is_in_it(keys: list[str]) -> None:
    environ = flags.secret_environ(FrontendSettings(api_key=keys))
    assert flags.parse("x", "", [FrontendSettings], [], environ)[0].api_key == keys


def test_keys_without_commas_have_commas_between_them() -> None:
    carried = flags.secret_environ(FrontendSettings(api_key=["a", "b"]))
    assert carried["PENSTOCK_API_KEY"] == "a,b"
    (settings,) = flags.parse("x", "", [FrontendSettings], [], {"PENSTOCK_API_KEY": "[a,5"})
    assert settings.api_key == ["[a", "5"]


def test_an_inert_setting_says_so_only_when_used() -> None:
    assert flags.inert_notices(EngineSettings()) == []
    assert flags.inert_notices(EngineSettings(trust_remote_code=True)) == [
        "--trust-remote-code has no effect: Penstock runs no code from checkpoints"
    ]


@pytest.mark.parametrize("struct", [WorkerSettings, *ALL])
def test_every_setting_explains_itself(struct: type[msgspec.Struct]) -> None:
    assert all(field.help.endswith((".", ".'")) for field in flags.fields_of(struct))


def test_help_lists_every_setting() -> None:
    text = flags.build_parser("penstock serve", "", ALL).format_help()
    assert all(field.flag in text for struct in ALL for field in flags.fields_of(struct))


def test_help_names_variables_and_what_has_no_effect() -> None:
    text = " ".join(flags.build_parser("penstock serve", "", ALL).format_help().split())
    assert "Variable: PENSTOCK_PORT, VLLM_PORT. [8000]" in text
    assert "No effect here: Penstock runs no code from checkpoints. [off]" in text
    assert "--max-num-seqs N[UNIT] Most sequences in one step. [auto]" in text
    assert "A UNIT is k, m, g, t (of 1000, as KB, MB, GB, TB are) or K, M" in text


def test_help_says_what_becomes_of_single_values() -> None:
    text = " ".join(flags.build_parser("penstock serve", "", SERVE_STRUCTS).format_help().split())
    assert "--task X embed, embedding, classify" in text
    assert "pooling: not served, models that embed, classify or score" in text


def test_help_says_auto_only_of_what_is_found_by_itself() -> None:
    assert {flag for flag, word in _unset().items() if word == "auto"} == {
        "--kv-cache-memory-bytes",
        "--cpu-threads",
        "--max-model-len",
        "--max-num-seqs",
        "--max-num-batched-tokens",
        "--max-num-queued-tokens",
        "--step-stretch",
    }
    assert _unset()["--uds"] == _unset()["--request-timeout-s"] == "not set"


def _unset() -> dict[str, str]:
    """What --help says of settings that are None when nothing is given."""
    found = [field for struct in ALL for field in flags.fields_of(struct)]
    return {field.flag: field.default_word for field in found if field.default is None}


@pytest.mark.parametrize("struct", SERVE_STRUCTS)
def test_help_has_words_for_every_setting(struct: type[msgspec.Struct]) -> None:
    parser = flags.build_parser("penstock serve", "", [struct])
    for action in parser._actions:
        assert (action.help or "").partition("[")[0].strip(), action.option_strings


class Told(msgspec.Struct, kw_only=True):
    """One flag that may stand alone, beside others."""

    how: Annotated[Literal["long", "short"] | None, described("How.", bare="short")] = None
    size: Annotated[int, described("Size.", env=["TOLD_SIZE"])] = 1
    name: Annotated[str, described("Name.")] = "n"


@pytest.mark.parametrize(
    ("argv", "how"),
    [
        (["--how"], "short"),
        (["--how", "model"], "short"),
        (["model", "--how"], "short"),
        (["--how", "--size", "2"], "short"),
        (["--how", "long"], "long"),
        (["--how=long", "model"], "long"),
        ([], None),
    ],
)
def test_a_flag_may_stand_alone(argv: list[str], how: str | None) -> None:
    (told,) = flags.parse("prog", "", [Told], argv, {})
    assert told.how == how


def test_where_values_came_from(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: a\nsize: 5\n")
    environ = {"TOLD_SIZE": "3"}
    argv = ["--config", str(file)]
    (told,), sources = flags.parse_and_tell("prog", "", [Told], argv, environ)
    assert (told.size, told.name) == (5, "a")
    assert sources == {"size": f"--config {file}", "name": f"--config {file}"}
    (told,), sources = flags.parse_and_tell("prog", "", [Told], ["--how"], environ)
    assert (told.size, sources) == (3, {"how": "--how", "size": "variable TOLD_SIZE"})


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("/llm/", "; did you mean '/llm'?"),
        ("a//b/", "; did you mean '/a/b'?"),
        ("/", ""),
        ("/a b", ""),
    ],
)
def test_a_root_path_with_wrong_slashes_is_told_the_right_ones(
    given: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        flags.parse("x", "", [FrontendSettings], ["--root-path", given], {})
    assert capsys.readouterr().err.endswith(f"without / at its end{hint}\n")
