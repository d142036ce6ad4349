"""Outside ``models`` and ``tracing`` nobody knows what kind of network it is: they ask its outline.

So a file there imports nothing of a family's own folder (``vitviz.models.vit``), names no type of a
family, and reads no configuration: nothing else in the program has an attribute ``config``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "vitviz"
MODELS = PACKAGE / "models"
FREE = {"models", "tracing"}
"""Packages that know the families."""

FAMILIES = {folder.name for folder in MODELS.iterdir() if (folder / "family.py").exists()}
TYPES = {"VisionTransformer", "ViTConfig", "vit_config"}
"""Not to be named even as a text: what a network is called tells nobody what it can do."""


def breaches(source: str) -> list[str]:
    """What a file does that it must not, line by line."""
    return [
        f"line {node.lineno}: {what}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.expr | ast.stmt)
        for what in breaches_of(node)
    ]


def breaches_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and node.attr == "config":
        yield "reads a network's configuration"
    name = getattr(node, "attr", getattr(node, "id", getattr(node, "value", None)))
    if isinstance(name, str) and name in TYPES:
        yield f"names {name}"
    for module in modules(node):
        if any(f"{module}.".startswith(f"vitviz.models.{family}.") for family in FAMILIES):
            yield f"imports {module}"


def modules(node: ast.AST) -> list[str]:
    """The modules that a statement imports, and the names it takes from them."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports are not looked into"
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def test_there_are_families_to_look_for() -> None:
    assert "vit" in FAMILIES


@pytest.mark.parametrize(
    "line",
    [
        "from vitviz.models.vit.config import SIZES",
        "from vitviz.models import vit",
        "import vitviz.models.vit.network",
        "def build():\n    from vitviz.models.vit import network",
        "layers = cell.card.config.depth",
        "card.config",
        "network: VisionTransformer",
        "type(network).__name__ == 'VisionTransformer'",
    ],
)
def test_what_is_not_allowed_is_found(line: str) -> None:
    assert breaches(line)


@pytest.mark.parametrize(
    "line",
    [
        "from vitviz.models.families import FAMILIES",
        "from vitviz.models.network import Network",
        "import vitviz",
        "ModelCard(config=training.config_of(network))",
        "config = family.specimen()",
        "card.outline.depth",
    ],
)
def test_what_is_allowed_is_not(line: str) -> None:
    assert not breaches(line)


def test_no_file_outside_knows_a_family() -> None:
    files = [
        file
        for file in sorted(PACKAGE.rglob("*.py"))
        if file.relative_to(PACKAGE).parts[0] not in FREE
    ]
    assert len(files) > 100
    found = [
        f"{file.relative_to(PACKAGE.parent)}, {breach}"
        for file in files
        for breach in breaches(file.read_text(encoding="utf-8"))
    ]
    assert found == []
