"""Tries the versions that vitviz is installed with: the newest, and the oldest it allows.

    python tools/versions.py renew [-- PYTEST ARGUMENTS]     the newest; if all passes, writes them
    python tools/versions.py lowest [-- PYTEST ARGUMENTS]    the lower bounds of pyproject.toml

Both make an environment in a temporary folder from pyproject.toml alone, and run the fast tests in
it. ``renew`` then writes tools/tested-versions.txt, which bootstrap.py installs. That takes some
minutes and 8 GB on the disk; Ctrl+C stops it and leaves nothing behind. Run it with the oldest
Python that pyproject.toml allows, since newer ones can install what the oldest can, and seldom the
other way round. Needs ``packaging``, which an environment for tests has: ``.venv/bin/python``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import bootstrap  # noqa: E402

OF_TORCH = re.compile(r"nvidia-|cuda-|triton")
"""Packages that a build of torch names itself, with their versions; other platforms' do not."""

HEADER = """\
# The versions that the tests passed with, on Python {}.{}: bootstrap.py installs these where pip
# finds them. Written by `python tools/versions.py renew`; not to be edited.
""".format(*sys.version_info)


def say(text: str) -> None:
    """Prints a line before what child processes print next."""
    print(f"versions: {text}", flush=True)


def run(*command: str | Path) -> None:
    """Runs a command in the repository's root; ends this program if it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(f"versions: FAILED ({code}): {' '.join(map(str, command))}")


def requirements() -> list[Requirement]:
    """What pyproject.toml asks for on this Python, for the program and its tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    found = [Requirement(text) for text in texts]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def lower_bounds(wanted: list[Requirement]) -> list[str]:
    """Lines of a constraints file that allow the lower bound of each requirement and no more.

    Raises:
        SystemExit: A requirement names none.
    """
    lines = []
    for one in wanted:
        bounds = [part.version for part in one.specifier if part.operator == ">="]
        if not bounds:
            sys.exit(f"versions: pyproject.toml names no lower bound for {one.name}")
        lines.append(f"{canonicalize_name(one.name)}=={max(bounds, key=Version)}")
    return sorted(set(lines))


def portable(frozen: list[str]) -> list[str]:
    """Lines of a constraints file that hold on every platform, from those of ``pip freeze``.

    What torch brings for one kind of computer is left out, and so is the build ("+cpu") of a
    version: pip takes any build of it. What was not taken from a registry has no version here.
    """
    lines = []
    for name, version in (line.split("==") for line in frozen if "==" in line):
        if not OF_TORCH.match(canonicalize_name(name)):
            lines.append(f"{canonicalize_name(name)}=={Version(version).public}")
    return sorted(lines)


def make_environment(folder: Path, constraints: list[str]) -> Path:
    """Makes an environment with vitviz, for tests.

    Args:
        folder: Made anew.
        constraints: Lines for pip; empty for the newest of everything.

    Returns:
        Its Python.
    """
    run(sys.executable, "-m", "venv", "--clear", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    listed = folder / "constraints.txt"
    listed.write_text("\n".join(constraints), encoding="utf-8")
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    run(
        *pip,
        "install",
        "--progress-bar",
        "off",
        "--constraint",
        listed,
        "--editable",
        f"{ROOT}[test]",
    )
    run(*pip, "check")
    return python


def freeze(python: Path) -> list[str]:
    """What an environment has, as ``pip freeze`` says it."""
    command = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "freeze",
        "--exclude-editable",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def main() -> int:
    """Runs one command of this script."""
    usage = "%(prog)s {renew,lowest} [--keep FOLDER] [-- PYTEST ARGUMENTS]"
    parser = argparse.ArgumentParser(usage=usage, description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("renew", "lowest"))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the environment here")
    given = [*sys.argv[1:], "--"]
    end = given.index("--")
    options, pytest = parser.parse_args(given[:end]), given[end + 1 : -1]
    constraints = lower_bounds(requirements()) if options.command == "lowest" else []
    with tempfile.TemporaryDirectory(prefix="vitviz-versions-") as temporary:
        folder = options.keep or Path(temporary) / "environment"
        say(f"installing {', '.join(constraints) or 'the newest of everything'} in {folder}")
        python = make_environment(folder, constraints)
        say("running the fast tests")
        run(python, *bootstrap.FAST_TESTS, *pytest)
        if options.command == "renew":
            lines = portable(freeze(python))
            bootstrap.VERSIONS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
            say(f"passed; {len(lines)} versions written to {bootstrap.VERSIONS}")
        else:
            say("passed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
