"""Builds the program folder in a fresh environment, moves it elsewhere, and tries it there.

Run: ``python tools/build.py [--torch REQUIREMENT] [--output FOLDER] [-- PIP ARGUMENTS]``

It makes an environment in a temporary folder, installs torch (REQUIREMENT and PIP ARGUMENTS say
which and from where) and then vitviz, and runs PyInstaller on ``build.spec``. The result is tried
under another name, without Python: ``vitviz check``, and how long it takes to the first map.
Then it is put into FOLDER, ``dist`` by default.

On Linux plain ``torch`` is the CUDA build, which makes a folder of about 5 GB: give the CPU build
as REQUIREMENT, as a file or by PIP ARGUMENTS. Takes 5 to 10 minutes, and 3 GB while it runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import bootstrap  # noqa: E402

MB, MIB = 1_000_000, 1 << 20
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
STARTS = 3
"""How many starts are timed, of each kind; the median counts."""


def say(text: str) -> None:
    """Prints a line before what child processes print next."""
    print(f"build: {text}", flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None) -> float:
    """Runs a command and returns the seconds it took; ends the build if it fails."""
    start = time.perf_counter()
    code = subprocess.run([str(part) for part in command], env=env, cwd=ROOT, check=False)
    if code.returncode:
        sys.exit(f"build: FAILED ({code.returncode}): {' '.join(map(str, command))}")
    return time.perf_counter() - start


def check_host() -> None:
    """Ends the build where the folder would lack libraries that Qt needs.

    Raises:
        SystemExit: This Linux lacks them; it names them and their packages.
    """
    wanted = bootstrap.QT_LIBRARIES | bootstrap.X11_LIBRARIES
    missing = bootstrap.not_loading(wanted) if sys.platform == "linux" else []
    if missing:
        packages = " ".join(wanted[library][0] for library in missing)
        sys.exit(
            f"build: FAILED: this computer lacks {', '.join(missing)}, and so would the program "
            f"folder. On Debian or Ubuntu: apt-get install {packages}"
        )


def make_environment(folder: Path, torch: str, pip_arguments: list[str]) -> Path:
    """Makes an environment with all that the build needs.

    Args:
        folder: Made anew.
        torch: pip's requirement.
        pip_arguments: More for the installation of torch.

    Returns:
        Its Python.
    """
    run(sys.executable, "-m", "venv", "--clear", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, torch, *pip_arguments)
    run(*pip, "--editable", f"{ROOT}[build]")
    return python


def program(folder: Path) -> Path:
    """The executable that prints."""
    if sys.platform == "win32":
        return folder / "vitviz-cli.exe"
    if sys.platform == "darwin":
        return folder / "Contents" / "MacOS" / "vitviz"
    return folder / "vitviz"


def bare(home: Path) -> dict[str, str]:
    """An environment in which no Python is to be found, and nobody's settings.

    Args:
        home: For the program's own settings; is there.
    """
    kept = ("SYSTEMROOT", "TEMP", "TMP", "TMPDIR")  # Windows cannot do without the first
    env = {name: os.environ[name] for name in kept if name in os.environ}
    return {**env, "HOME": str(home), "USERPROFILE": str(home), "PATH": str(home),
            "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}  # fmt: skip


def seconds_to_first_map(executable: Path, env: dict[str, str], picture: Path) -> float:
    """From the start of the process to a picture of the window with its first map and filmstrip."""
    picture.unlink(missing_ok=True)
    start = time.time()
    run(executable, "--screenshot", picture, env=env)
    return picture.stat().st_mtime - start


def report_starts(executable: Path, env: dict[str, str], picture: Path) -> None:
    """Prints how long starts take, warm and, where that may be done, with dropped caches."""
    warm = [seconds_to_first_map(executable, env, picture) for _ in range(STARTS)]
    say(f"start to first map, warm: {median(warm):.1f} s ({min(warm):.1f} to {max(warm):.1f})")
    if not os.access(DROP_CACHES, os.W_OK):
        say("start to first map, dropped caches: not measured, which takes root on Linux")
        return
    cold = []
    for _ in range(STARTS):
        os.sync()
        DROP_CACHES.write_text("3", encoding="ascii")
        cold.append(seconds_to_first_map(executable, env, picture))
    say(f"start to first map, dropped caches: {median(cold):.1f} s "
        f"({min(cold):.1f} to {max(cold):.1f})")  # fmt: skip


def report_size(folder: Path) -> None:
    """Prints how large the folder is; what is linked to counts once."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    say(f"size: {size / MB:.0f} MB ({size / MIB:.0f} MiB) in {len(files)} files")


def build(scratch: Path, options: argparse.Namespace) -> Path:
    """Builds, and tries the result elsewhere.

    Args:
        scratch: For everything; is there.
        options: Of the command line.

    Returns:
        The folder, or on macOS the app.
    """
    taken = -time.perf_counter()
    say(f"installing {options.torch} and vitviz in a fresh environment")
    python = make_environment(scratch / "environment", options.torch, options.pip)
    taken += time.perf_counter()
    say(f"installed in {taken:.0f} s")
    seconds = run(python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN",
                  "--workpath", scratch / "work", "--distpath", scratch / "dist",
                  ROOT / "build.spec")  # fmt: skip
    say(f"built in {seconds:.0f} s")
    name = "vitviz.app" if sys.platform == "darwin" else "vitviz"
    elsewhere = scratch / "elsewhere, \N{LATIN SMALL LETTER E WITH ACUTE}lsewhere" / name
    elsewhere.parent.mkdir()
    shutil.move(scratch / "dist" / name, elsewhere)
    shutil.rmtree(scratch / "environment")  # nothing can be taken from there any more
    shutil.rmtree(scratch / "work")
    return elsewhere


def main() -> int:
    """Builds, tries and keeps the program folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default="torch", metavar="REQUIREMENT", help="torch by default")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="dist by default")
    parser.add_argument("pip", nargs="*", metavar="PIP ARGUMENT", help="after --, for torch alone")
    options = parser.parse_args()
    check_host()
    with tempfile.TemporaryDirectory(prefix="vitviz-build-") as temporary:
        scratch = Path(temporary)
        folder = build(scratch, options)
        report_size(folder)
        home = scratch / "home"
        home.mkdir()
        say(f"vitviz check, in {folder.parent.name!r}, without Python:")
        run(program(folder), "check", env=bare(home))
        report_starts(program(folder), bare(home), scratch / "window.png")
        kept = options.output / folder.name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept)
    say(f"passed: {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
