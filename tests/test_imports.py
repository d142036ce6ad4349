"""Who may import whom: the contracts, and what contracts about source text cannot see."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CORE = (
    "errors", "imaging", "models", "tracing", "methods", "maps", "figures", "session", "engine",
    "wording", "exporting", "batch", "training", "selfcheck", "cli",
)  # fmt: skip
WITHOUT_TORCH = ("errors", "imaging", "maps", "figures", "session", "methods.base")
WINDOW = ("gui.window",)
WINDOW_RULES = (
    "gui.canvas.pyramid", "gui.canvas.viewport", "gui.dialogs.split_values",
    "gui.views.heads.subject",
)  # fmt: skip
"""What the window goes by and is tested without Qt, in tests/window_rules."""

IMPORT_ALL = """
import importlib, importlib.abc, importlib.util, json, pkgutil, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked in this test")

sys.meta_path.insert(0, Blocked())
imported = []
for name in NAMES:
    module = importlib.import_module(f"vitviz.{name}")
    imported.append(module.__name__)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
        imported.append(importlib.import_module(found.name).__name__)
print(json.dumps({"imported": imported, "torch": "torch" in sys.modules}))
"""


def import_in_new_process(names: tuple[str, ...], blocked: tuple[str, ...]) -> dict[str, object]:
    """Imports modules of vitviz, and all below them, where some top-level packages cannot be."""
    program = IMPORT_ALL.replace("BLOCKED", repr(blocked)).replace("NAMES", repr(names))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def skip_unless_written(names: tuple[str, ...]) -> None:
    for name in names:
        if importlib.util.find_spec(f"vitviz.{name}") is None:
            pytest.skip(f"vitviz.{name} is not written yet")


def test_the_blocker_blocks() -> None:
    program = IMPORT_ALL.replace("BLOCKED", "('torch',)").replace("NAMES", "('models.vit',)")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, check=False
    )
    assert b"torch is blocked in this test" in done.stderr


@pytest.mark.slow
def test_the_core_imports_without_qt() -> None:
    skip_unless_written(CORE)
    result = import_in_new_process(CORE, blocked=("PySide6", "shiboken6"))
    assert {f"vitviz.{name}" for name in CORE} <= set(result["imported"])


def test_photos_figures_and_rules_import_without_torch_and_qt() -> None:
    names = WITHOUT_TORCH + WINDOW_RULES
    result = import_in_new_process(names, blocked=("torch", "torchvision", "PySide6"))
    assert result["torch"] is False


def test_the_window_imports_without_torch() -> None:
    skip_unless_written(WINDOW)
    result = import_in_new_process(WINDOW, blocked=("torchvision", "matplotlib", "av"))
    assert result["torch"] is False


BORDER = "threads/desk.py"
"""Where threads meet Qt."""

THREADING = {
    "threading",
    "concurrent",
    "multiprocessing",
    "asyncio",
    "queue",
    "vitviz.engine.worker",
}
OF_QT = {"QThread", "QThreadPool", "QRunnable", "QueuedConnection", "BlockingQueuedConnection"}

ALSO = {"reports.py"}
"""Takes what nothing else took, on whatever thread: the border itself may be what failed."""


def test_threads_meet_the_window_in_one_place() -> None:
    found: dict[str, set[str]] = {}
    folder = REPOSITORY / "vitviz" / "gui"
    for path in folder.rglob("*.py"):
        names = set[str]()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {node.module or "", *(alias.name for alias in node.names)}
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
        parts = names | {name.partition(".")[0] for name in names}
        found[path.relative_to(folder).as_posix()] = parts & (THREADING | OF_QT)
    assert {file for file, names in found.items() if names} == {BORDER} | ALSO


def test_the_public_package_imports_alone() -> None:
    result = import_in_new_process((), blocked=("torch", "PySide6"))
    assert result == {"imported": [], "torch": False}


def test_import_contracts_hold() -> None:
    skip_unless_written(("__main__", "cli"))
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command is not None, "import-linter is not installed beside this Python"
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout
