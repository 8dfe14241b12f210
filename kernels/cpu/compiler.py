"""Builds the C++ kernels with the compiler at hand, once per machine and source. Knows no kernel.

The library lands in the user's cache folder under a name made of everything that decides its bytes: the
sources, the flags, the compiler's version and the processor's abilities. A second start finds it there.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

SOURCE = Path(__file__).parent / "source"
FLAGS = (
    "-std=c++20", "-O3", "-march=native", "-fPIC", "-pthread", "-fno-math-errno", "-fno-trapping-math",
    "-ffp-contract=fast", "-fvisibility=default", "-Wall", "-Wextra", "-Wno-psabi",
)  # fmt: skip
LONGEST = ("paged_attention.cpp", "micro_kernel.cpp", "quant_micro_kernel.cpp")
"""Compiled first, so that no core has one of them left when the others are through."""
CPUINFO = Path("/proc/cpuinfo")
_COMPILE_TIMEOUT_S = 300

Tell = Callable[[float], None]
"""Told how much of a build is done, 0 to 1; not called where there is nothing to build."""


class CompileError(Exception):
    """No library can be built here; the message says why and what would help."""


def build(
    flags: tuple[str, ...] = (),
    environ: Mapping[str, str] = os.environ,
    jobs: int | None = None,
    tell: Tell = lambda _share: None,
) -> Path:
    """The library for this machine, built if it is not there yet, by so many compilers at once.

    Raises CompileError. Where several processes want the same one, the first builds it and the others wait.
    """
    compiler = find_compiler(environ)
    every_flag = FLAGS + flags
    library = cache_dir(environ) / f"kernels-{_fingerprint(compiler, every_flag)}.so"
    if not library.exists():
        tell(0.0)
        with _alone(library):
            if not library.exists():
                _compile([compiler, *every_flag], library, jobs or _own_cpus(), tell)
    return library


def find_compiler(environ: Mapping[str, str] = os.environ) -> str:
    """CXX, else the first of the usual names."""
    wanted = environ.get("CXX")
    for name in (wanted,) if wanted else ("g++", "clang++", "c++"):
        if path := shutil.which(name, path=environ.get("PATH")):
            return path
    raise CompileError(
        f"the C++ compiler {wanted!r} named by CXX is not there" if wanted
        else "no C++ compiler was found (g++ or clang++ would do)"
    )  # fmt: skip


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """PENSTOCK_CACHE, else where the user's caches are; closed to other users."""
    base = environ.get("XDG_CACHE_HOME") or str(
        Path(environ.get("HOME") or "~").expanduser() / ".cache"
    )
    path = Path(environ.get("PENSTOCK_CACHE") or Path(base) / "penstock")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CompileError(f"the cache folder {path} cannot be made: {error}") from error
    if path.stat().st_uid != os.getuid():
        raise CompileError(f"the cache folder {path} belongs to another user")
    return path


def _fingerprint(compiler: str, flags: tuple[str, ...]) -> str:
    parts = [path.name.encode() + path.read_bytes() for path in sorted(SOURCE.iterdir())]
    parts += [flag.encode() for flag in flags]
    parts += [_version(compiler).encode(), _processor().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _version(compiler: str) -> str:
    return _run([compiler, "-dumpfullversion", "-dumpversion"]) + os.path.realpath(compiler)


def _processor() -> str:
    """What -march=native looks at, near enough."""
    wanted = ("flags", "Features", "model name", "CPU part")
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    return platform.machine() + "".join(sorted({ln for ln in lines if ln.startswith(wanted)}))


def _own_cpus() -> int:
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def _alone(library: Path) -> Iterator[None]:
    """Others who need it, as the ranks of a model do all at once, wait for it rather than build it beside us.

    The lock ends with the process that holds it. Where the file system has none, each builds for itself.
    """
    with library.with_suffix(".lock").open("w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(command: Sequence[str], library: Path, jobs: int, tell: Tell) -> None:
    """Into a folder of its own, then moved: another process never sees half a library."""
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        objects = _compile_each(command, Path(folder), jobs, tell)
        built = Path(folder) / library.name
        _run([*command, "-shared", *map(str, objects), "-o", str(built)])
        built.replace(library)


def _compile_each(command: Sequence[str], folder: Path, jobs: int, tell: Tell) -> list[Path]:
    """An object for each source."""
    sources = sorted(SOURCE.glob("*.cpp"), key=lambda path: (path.name not in LONGEST, path.name))
    objects = {source: folder / f"{source.stem}.o" for source in sources}
    with ThreadPoolExecutor(jobs) as pool:
        running = [
            pool.submit(_run, [*command, "-c", str(source), "-o", str(target)])
            for source, target in objects.items()
        ]
        try:
            for number, job in enumerate(as_completed(running), 1):
                job.result()
                tell(number / len(running))
        except CompileError:
            pool.shutdown(cancel_futures=True)
            raise
    return list(objects.values())


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        raise CompileError(f"{' '.join(command[:1])} failed: {error.stderr[-2000:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompileError(f"{command[0]} could not be run: {error}") from error
    return done.stdout
