"""Where a model is looked for: a folder, the package, the Hugging Face cache."""

from pathlib import Path

import pytest

from penstock.protocol.errors import ModelError
from penstock.protocol.model_path import find_model
from penstock.protocol.settings import ModelSettings


def _checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


def test_a_folder_is_itself(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path / "m")
    assert find_model(ModelSettings(model=str(folder))) == folder


def test_brook_ships_inside() -> None:
    assert (find_model(ModelSettings()) / "tokenizer.json").is_file()


def test_the_cache_is_read_by_branch_and_by_commit(tmp_path: Path) -> None:
    repo = tmp_path / "models--org--name"
    first, second = (_checkpoint(repo / "snapshots" / commit) for commit in ("aaa", "bbb"))
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("bbb\n")

    def find(revision: str | None) -> Path:
        return find_model(
            ModelSettings(model="org/name", revision=revision, download_dir=str(tmp_path))
        )

    assert find(None) == second
    assert find("aaa") == first


def test_what_is_nowhere_is_an_error_that_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"no such model folder .*are named OWNER/NAME"):
        find_model(ModelSettings(model="gpt2"))
    with pytest.raises(ModelError, match="no such model folder"):
        find_model(ModelSettings(model="/no/such/folder"))
    with pytest.raises(ModelError, match=str(tmp_path)):
        find_model(ModelSettings(model="org/name", download_dir=str(tmp_path)))
