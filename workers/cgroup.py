"""Finds the control groups that bound this process. Knows their folders, not what they bound."""

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")


def own_groups(controller: str, cgroup: Path = CGROUP, proc: Path = PROC) -> list[Path]:
    """Folders of the groups this process is in, innermost first, then its parents (version 2, then 1)."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    folders: list[Path] = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            folders += _with_parents(cgroup, path)
        elif controller in controllers.split(","):
            folders += _with_parents(cgroup / controller, path)
    return [folder for folder in folders if folder.is_dir()]


def _with_parents(root: Path, path: str) -> list[Path]:
    inner = Path(path.lstrip("/"))
    return [root / inner, *(root / parent for parent in inner.parents)]
