"""Sets vitviz up in .venv beside this file, and starts it or its tests.

    python3 bootstrap.py                   start the window
    python3 bootstrap.py run -- ARGS       start vitviz with arguments: photos, or a subcommand
    python3 bootstrap.py test [ARGS]       run all tests, or pytest with ARGS

Needs Python 3.11 or newer and, the first time, the network. Only the standard library is used.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "made-from.txt"
VERSIONS = ROOT / "tools" / "tested-versions.txt"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What Qt loads at run time on Linux: the library, its package in Debian and in Fedora.
QT_LIBRARIES = {
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
}
X11_LIBRARIES = {
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
}

FAST_TESTS = ["-m", "pytest", "-n", "auto", "--maxprocesses", "4", "-m", "not slow and not bench"]


def say(text: str) -> None:
    """Prints a line of this script's own, before what its children print next."""
    print(f"vitviz setup: {text}", flush=True)


def python(*arguments: str) -> int:
    """Runs the Python of .venv and returns its exit status."""
    return subprocess.run([str(PYTHON), *arguments], check=False).returncode


def apt_install(packages: list[str]) -> None:
    """Installs Debian packages if this is a machine where that may be done unasked."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if root else ["sudo", "-n"]
    if not shutil.which("apt-get") or not (root or (os.environ.get("CI") and shutil.which("sudo"))):
        return
    say(f"installing {' '.join(packages)}")
    subprocess.run([*sudo, "apt-get", "update", "-qq"], check=False)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run([*sudo, "env", "DEBIAN_FRONTEND=noninteractive", *install], check=False)


def not_loading(libraries: Iterable[str]) -> list[str]:
    """Those of the libraries that the system's loader does not find."""
    missing = []
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(library)
    return missing


def check_system_libraries() -> None:
    """Installs what Qt lacks on this Linux, or names the command that does."""
    wanted = QT_LIBRARIES | (X11_LIBRARIES if os.environ.get("DISPLAY") else {})
    if missing := not_loading(wanted):
        apt_install([wanted[library][0] for library in missing])
    if not (missing := not_loading(missing)):
        return
    say(f"Qt needs system libraries that are not here: {', '.join(missing)}")
    debian, fedora = zip(*(wanted[library] for library in missing), strict=True)
    say(f"  Debian, Ubuntu: sudo apt-get install {' '.join(debian)}")
    say(f"  Fedora: sudo dnf install {' '.join(fedora)}")
    if not X11_LIBRARIES.keys() >= set(missing):
        sys.exit("vitviz setup: install them, then run this again.")
    say("going on without them: the window may not open on X11.")


def pip_install(extra: str) -> bool:
    """Installs vitviz and what it needs into .venv; ``extra`` is as for ``make_environment``.

    The tested versions, if pip finds them all, ready to use. A newer Python, another platform or a
    registry that has dropped one gets what it got before there were any: the newest versions
    within the bounds of pyproject.toml. All of them, since PyTorch and torchvision fit only in
    pairs, and torchvision does not always say so.

    Returns:
        Whether it worked.
    """
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    install = ("-m", "pip", "--disable-pip-version-check", "install", "--editable", target)
    if not python(*install, "--constraint", str(VERSIONS), "--only-binary", ":all:"):
        return True
    say(f"the versions in {VERSIONS.name} cannot be installed here, see above.")
    say("trying others, which vitviz should work with, but was not tested with")
    return not python(*install, "--upgrade", "--upgrade-strategy", "eager")


def make_environment(extra: str) -> None:
    """Brings .venv up to date with the project; ``extra`` is "test", or "" for none."""
    base = f"{sys.version_info[0]}.{sys.version_info[1]} {ROOT}"  # an environment cannot be moved
    sources = (ROOT / "pyproject.toml").read_bytes() + VERSIONS.read_bytes()
    project = hashlib.sha256(sources).hexdigest()
    whole = PYTHON.exists() and STAMP.exists()
    found = STAMP.read_text(encoding="utf-8").split("\n") if whole else ["", "", ""]
    wanted = [base, project, extra or found[2]]  # an environment for tests also runs the program
    if found == wanted:
        return
    if found[0] != base:
        if importlib.util.find_spec("ensurepip") is None:
            apt_install(["python3-venv"])
        say("making .venv")
        # A process of its own: ensurepip may have arrived after this one started.
        if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode:
            sys.exit("vitviz setup: no .venv, see above. Debian: sudo apt-get install python3-venv")
    STAMP.unlink(missing_ok=True)
    say("installing vitviz and what it needs; the first time this takes some minutes")
    if not pip_install(wanted[2]):
        sys.exit("vitviz setup: the installation failed, see above. Run this again to try again.")
    STAMP.write_text("\n".join(wanted), encoding="utf-8")


def run_tests(arguments: list[str]) -> int:
    """All tests, the fast ones first and on all cores; or exactly the pytest command asked for."""
    os.chdir(ROOT)
    if arguments:
        return python("-m", "pytest", *arguments)
    fast = python(*FAST_TESTS)
    slow = python("-m", "pytest", "-m", "slow and not bench")
    no_tests = 5  # pytest's own code
    return fast or (0 if slow == no_tests else slow)


def main(arguments: list[str]) -> int:
    """Runs one command of this script and returns the exit status."""
    command, *rest = arguments or ["run"]
    if command not in ("run", "test"):
        print(__doc__)
        return 0 if command in ("help", "--help", "-h") else 2
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets this far
        sys.exit(f"vitviz setup: Python 3.11 or newer is needed, this is {sys.version}.")
    if sys.platform == "linux":
        check_system_libraries()
    make_environment("test" if command == "test" else "")
    if command == "test":
        return run_tests(rest)
    return python("-m", "vitviz", *(rest[1:] if rest[:1] == ["--"] else rest))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
