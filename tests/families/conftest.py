"""Checkpoints of toy families, which the program knows while a test runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.families.checkpoints import save_toy
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Family], Path]:
    """Makes a family known; gives a checkpoint of it."""

    def known(family: Family) -> Path:
        monkeypatch.setitem(FAMILIES, family.name, family)
        return save_toy(family, tmp_path / f"{family.name}.safetensors")

    return known
