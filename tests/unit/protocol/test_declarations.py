"""All that a declaration of a setting may say besides its type, and what comes of it."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from penstock.protocol import flags
from penstock.protocol.settings import EngineSettings
from penstock.protocol.settings.field import described


class Odd(msgspec.Struct, kw_only=True):
    """One setting for each thing that a declaration may say."""

    port: Annotated[int, described("Port.", env=["ODD_PORT"], bare="80")] = 80
    cache: Annotated[int | None, described("Cache.", human=True, env_units={"ODD_GB": "GiB"})] = (
        None
    )
    talk: Annotated[bool, described("Talk.", opposites=["--hush"])] = True
    name: Annotated[str, described("Name.", once="one is enough")] = "n"
    how: Annotated[
        str, described("How.", inert={"ray": "no rays"}, refused={"magic": "learn it"})
    ] = "hand"
    wings: Annotated[int, described("Wings.", refused="nobody flies")] = 0
    mood: Annotated[str | None, described("", env=["ODD_MOOD"], variable=True)] = None


def _odd(*argv: str, **environ: str) -> Odd:
    settings: Odd = flags.parse("odd", "", [Odd], argv, environ)[0]
    return settings


def _engine(*argv: str) -> EngineSettings:
    settings: EngineSettings = flags.parse("engine-core", "", [EngineSettings], argv, {})[0]
    return settings


def test_underscores_do_as_well_as_dashes() -> None:
    assert _engine("--max_num_seqs", "3") == _engine("--max_num_seqs=3")
    assert _engine("--served-model-name", "a_b").served_model_name == ["a_b"]


@pytest.mark.parametrize(
    ("argv", "port"),
    [(["--port"], 80), (["--port", "--hush"], 80), (["--port", "81"], 81), (["--port=82"], 82)],
)
def test_a_number_may_be_left_out(argv: list[str], port: int) -> None:
    assert _odd(*argv).port == port


def test_a_variable_may_count_in_a_unit() -> None:
    assert _odd(ODD_GB="2").cache == 2 << 30


def test_what_kubernetes_says_of_a_service_is_not_a_setting() -> None:
    assert _odd(ODD_PORT="tcp://10.0.0.7:80").port == 80
    assert _odd(ODD_PORT="81").port == 81


def test_a_switch_may_have_a_flag_that_turns_it_off(tmp_path: Path) -> None:
    assert not _odd("--hush").talk
    for text in ("hush: true", "no-talk: true", "talk: false"):
        (tmp_path / "c.yaml").write_text(text)
        assert not _odd("--config", str(tmp_path / "c.yaml")).talk


def test_a_file_may_use_any_spelling_and_be_json(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"tp": 1, "--gpu-mem-util": 0.5, "max_num_seqs": null}')
    assert _engine("--config", str(tmp_path / "c.json")).gpu_memory_utilization == 0.5


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--name", "a", "--name", "b"], "odd: --name twice: one is enough"),
        (["--how", "magic"], "odd: --how magic: learn it"),
        (["--wings", "2"], "odd: --wings: nobody flies"),
        (["--mood", "x"], "odd: unknown setting --mood"),
    ],
)
def test_what_is_refused_says_why(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _odd(*argv)
    assert capsys.readouterr().err.startswith(told)


def test_a_model_given_in_two_ways_must_be_one_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert _engine("m", "--model", "m").model == "m"
    with pytest.raises(SystemExit):
        _engine("m", "--model", "other")
    assert "m and --model other: one server serves one model" in capsys.readouterr().err


def test_some_values_alone_may_be_inert_and_a_variable_may_have_no_flag() -> None:
    assert flags.inert_notices(_odd("--how", "ray")) == ["--how has no effect: no rays"]
    assert flags.inert_notices(_odd("--how", "ox")) == []
    assert _odd(ODD_MOOD="good").mood == "good"


def test_an_optional_word_survives_the_way_to_another_program() -> None:
    assert _engine(*flags.to_argv(EngineSettings())) == EngineSettings()
    assert "--cpu-threads=" in flags.to_argv(EngineSettings())


def test_the_page_of_settings_says_what_a_value_means() -> None:
    page = flags.settings_page([Odd], "# Odd")
    assert page.startswith("# Odd\n\n## One setting for each thing that a declaration may say\n\n|")
    assert "| `--talk`<br>off: `--hush` | on |  | Talk. |" in page
    assert "How. ray: no effect, no rays. magic: not served, learn it. |" in page
    assert "| `--wings` | 0 |  | Wings. Not served: nobody flies. |" in page
    assert "|  |  | `ODD_MOOD` |  |" in page
