"""What the pages say is there: links, files, modules, and the commands that people type."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from vitviz import cli

PAGES = sorted(
    path
    for place in ("*.md", "docs/*.md", "resources/*.md", "resources/*/*.md")
    for path in REPOSITORY.glob(place)
)
PACKAGE = REPOSITORY / "vitviz"


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(REPOSITORY).as_posix() for page in pages]


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as they are linked to."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_there_are_pages_to_look_at() -> None:
    found = names(PAGES)
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md", "resources/guide.md"} <= {
        *found
    }


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


ARCHITECTURE = REPOSITORY / "docs" / "architecture.md"


def quoted(page: Path) -> list[str]:
    """What stands in backticks, outside blocks of code."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


NAMING = ("docs/architecture.md", "docs/methods.md", "docs/reliability.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("page", NAMING)
def test_files_that_are_named_are_there(page: str) -> None:
    found = [name for name in quoted(REPOSITORY / page) if re.fullmatch(r"[\w./]+(\.py|/)", name)]
    inside = ("", "gui", "methods", "models", "training")
    roots = REPOSITORY, REPOSITORY / "tests" / "families", *(PACKAGE / name for name in inside)
    missing = [name for name in found if not any((root / name).exists() for root in roots)]
    assert missing == []


def test_every_package_has_its_line() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        if path.is_dir() and (path / "__init__.py").exists():
            assert f"| `{path.name}/` |" in text, path.name
        elif path.suffix == ".py":
            assert f"`{path.stem}`" in text, path.name


def test_the_row_of_packages_is_the_contract() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"```\n(__main__ > .*?)```", text, re.DOTALL)
    assert [layer.strip() for layer in row.split(">")] == contract["layers"]


def test_modules_that_code_moved_to_are_there() -> None:
    table = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    now = [row.rsplit("|", 2)[1] for row in table.splitlines() if row.startswith("| ")][1:]
    found = {name for cell in now for name in re.findall(r"`(vitviz[\w.]+)`", cell)}
    assert len(found) > 10
    assert [name for name in sorted(found) if importlib.util.find_spec(name) is None] == []


def commands(page: Path) -> list[str]:
    """Lines of blocks of code that give the program a subcommand."""
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)).splitlines()
    start = r"(?:python3 bootstrap\.py run --|vitviz) (\w.*)"
    return [found[1] for line in lines if (found := re.match(start, line))]


TYPED = [
    line
    for name in ("README.md", "resources/guide.md", "docs/training.md")
    for line in commands(REPOSITORY / name)
]


@pytest.mark.parametrize("line", TYPED)
def test_commands_are_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them runs: only their options are read."""
    for command in cli.COMMANDS.values():
        monkeypatch.setattr(command, "run", lambda options: 0)
    monkeypatch.setattr(cli, "find_models", lambda options: None)  # nothing was fetched here
    assert cli.main([part for part in shlex.split(line) if "[" not in part]) == 0
