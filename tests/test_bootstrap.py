"""The set-up script: when it makes an environment anew, and what it says where it cannot."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path) -> ModuleType:
    """The script, as if it lay in an empty folder with a pyproject.toml."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]", encoding="utf-8")
    python = tmp_path / ".venv" / module.PYTHON.relative_to(module.VENV)
    module.ROOT, module.VENV, module.PYTHON = tmp_path, tmp_path / ".venv", python
    module.STAMP = module.VENV / "made-from.txt"
    module.VERSIONS = tmp_path / "tested-versions.txt"
    module.VERSIONS.write_text("pillow==13.0.0", encoding="utf-8")
    return module


@pytest.fixture
def refused() -> list[str]:
    """Arguments that make a command fail; for tests to fill."""
    return []


@pytest.fixture
def commands(
    bootstrap: ModuleType, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> list[list[str]]:
    """What the script would have run; making the environment leaves its Python behind."""
    seen: list[list[str]] = []

    def run(command: list[object], **_: object) -> SimpleNamespace:
        seen.append([str(part) for part in command])
        if "venv" in seen[-1]:
            bootstrap.PYTHON.parent.mkdir(parents=True, exist_ok=True)
            bootstrap.PYTHON.touch()
        return SimpleNamespace(returncode=int(any(part in refused for part in seen[-1])))

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def targets(commands: list[list[str]]) -> list[str]:
    """What pip was to install."""
    return [command[command.index("--editable") + 1] for command in commands]


def test_an_environment_is_made_once(bootstrap: ModuleType, commands: list[list[str]]) -> None:
    bootstrap.make_environment("")
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]
    assert targets(commands[1:]) == [str(bootstrap.ROOT)]
    commands.clear()
    bootstrap.make_environment("")
    assert commands == []


def test_tests_add_their_packages_and_the_program_runs_on_them(
    bootstrap: ModuleType, commands: list[list[str]]
) -> None:
    bootstrap.make_environment("")
    commands.clear()
    bootstrap.make_environment("test")
    assert targets(commands) == [f"{bootstrap.ROOT}[test]"]
    commands.clear()
    bootstrap.make_environment("")
    assert commands == []


@pytest.mark.parametrize("changed", ["pyproject.toml", "tested-versions.txt"])
def test_a_changed_project_is_installed_again(
    bootstrap: ModuleType, commands: list[list[str]], changed: str
) -> None:
    bootstrap.make_environment("test")
    commands.clear()
    (bootstrap.ROOT / changed).write_text("[project]\n", encoding="utf-8")
    bootstrap.make_environment("")
    assert targets(commands) == [f"{bootstrap.ROOT}[test]"]


def test_an_environment_without_its_python_is_made_anew(
    bootstrap: ModuleType, commands: list[list[str]]
) -> None:
    bootstrap.make_environment("")
    bootstrap.PYTHON.unlink()
    commands.clear()
    bootstrap.make_environment("")
    assert "--clear" in commands[0]


def test_a_failed_installation_is_tried_again(
    bootstrap: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "python", lambda *_: 1)
    with pytest.raises(SystemExit, match="installation failed"):
        bootstrap.make_environment("")
    assert not bootstrap.STAMP.exists()


@pytest.mark.parametrize("extra", ["", "test"])
def test_the_tested_versions_are_installed(
    bootstrap: ModuleType, commands: list[list[str]], extra: str
) -> None:
    bootstrap.make_environment(extra)
    (install,) = commands[1:]
    assert install[install.index("--constraint") + 1] == str(bootstrap.VERSIONS)


def test_where_the_tested_versions_cannot_be_had_others_are_installed_and_it_says_so(
    bootstrap: ModuleType,
    commands: list[list[str]],
    refused: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused.append("--constraint")
    bootstrap.make_environment("test")
    tested, others = commands[1:]
    assert "--constraint" in tested
    assert targets([others]) == [f"{bootstrap.ROOT}[test]"]
    assert "was not tested with" in capsys.readouterr().out
    assert bootstrap.STAMP.exists(), "or each start would try again"


def test_missing_libraries_are_named_with_the_command_that_installs_them(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "apt_install", lambda packages: None)
    monkeypatch.setattr(bootstrap, "QT_LIBRARIES", {"libabsent.so.9": ("libabsent9", "absent")})
    with pytest.raises(SystemExit, match="run this again"):
        bootstrap.check_system_libraries()
    said = capsys.readouterr().out
    assert "sudo apt-get install libabsent9" in said
    assert "sudo dnf install absent" in said


def test_libraries_only_x11_needs_do_not_stop_the_window(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setattr(bootstrap, "apt_install", lambda packages: None)
    monkeypatch.setattr(bootstrap, "QT_LIBRARIES", {})
    monkeypatch.setattr(bootstrap, "X11_LIBRARIES", {"libabsent.so.9": ("libabsent9", "absent")})
    bootstrap.check_system_libraries()
    assert "going on without them" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("codes", "expected"), [((0, 0), 0), ((0, 5), 0), ((1, 0), 1), ((0, 1), 1), ((5, 5), 5)]
)
def test_tests_fail_if_either_half_fails(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[int, int],
    expected: int,
) -> None:
    monkeypatch.chdir(Path.cwd())
    answers = iter(codes)
    monkeypatch.setattr(bootstrap, "python", lambda *_: next(answers))
    assert bootstrap.run_tests([]) == expected


def test_arguments_after_the_dashes_reach_vitviz(
    bootstrap: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "check_system_libraries", lambda: None)
    assert bootstrap.main(["run", "--", "explain", "--help"]) == 0
    assert commands[-1][1:] == ["-m", "vitviz", "explain", "--help"]


def test_an_unknown_command_explains_itself(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(["instal"]) == 2
    assert "python3 bootstrap.py test" in capsys.readouterr().out
