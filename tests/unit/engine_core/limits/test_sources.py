"""Where bounds come from: the file of keys as it was when it last was whole."""

from pathlib import Path

from penstock.engine_core.limits.sources import RuleSource
from penstock.protocol.settings import EngineSettings

HOLDER = '[[keys]]\nname = "{name}"\nkey = "sk-{name}"\nquotas = {{ requests_per_day = 5 }}\n'
ANN, BOB = (HOLDER.format(name=name) for name in ("ann", "bob"))


def source_of(path: Path) -> RuleSource:
    return RuleSource(EngineSettings(endpoint="ipc:///nowhere", api_key_file=str(path)))


def test_a_stranger_makes_it_look_but_take_no_file_that_is_being_written(tmp_path: Path) -> None:
    """Half of this file can be read, and binds nobody of its other half."""
    path = tmp_path / "keys.toml"
    path.write_text(ANN)
    source = source_of(path)
    assert not source.refresh(0.0)
    path.write_text(BOB)
    assert not source.meet("bob", 0.1)
    assert not source.meet("bob", 0.2)
    assert source.book.is_holder("ann")
    path.write_text(BOB + ANN)
    assert not source.meet("bob", 0.6)
    assert source.meet("bob", 1.0)
    assert source.book.is_holder("ann")
    assert source.book.of("bob").rules
    assert source.refresh(1.1), "the engine has to hear of it, too"
    assert not source.refresh(2.0)


def test_nobody_else_makes_it_look(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(ANN)
    source = source_of(path)
    path.write_text(BOB)
    for at_s in (0.0, 1.0, 2.0):
        assert not source.meet("ann", at_s)
        assert not source.meet("addr:10.0.0.1", at_s)
    assert source.book.is_holder("ann")


def test_its_looks_wake_the_engine_where_there_is_a_file(tmp_path: Path) -> None:
    assert RuleSource(EngineSettings(endpoint="ipc:///nowhere")).next_look is None
    path = tmp_path / "keys.toml"
    path.write_text(ANN)
    source = source_of(path)
    source.refresh(10.0)
    assert source.next_look == 10.5
