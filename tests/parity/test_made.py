"""A handful of the kinds that ``made`` goes through, small, so that they stay right."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from tests.parity.made import judge
from vitviz.imaging.samples import sample_photos

KINDS = {
    "timm-vit-tiny": "right",  # a hub's folder: mean and std of its config.json
    "timm-deit-tiny-distilled": "right",
    "timm-eva02-tiny": "right",
    "form-ten-classes-plain": "right",
    "form-wrapper-fc": "right",
    "form-pth-legacy": "right",
    "form-torchscript": "refused",
    "orig-dino-small8": "right",
    "orig-mmpretrain": "right",
}
"""What each opens as."""


@pytest.fixture(scope="module")
def tool(request: pytest.FixtureRequest) -> ModuleType:
    """The program that makes checkpoints."""
    path: Path = request.getfixturevalue("shared") / "tools" / "make_checkpoints.py"
    if not path.is_file():
        pytest.skip("the tool that makes checkpoints is not here")
    spec = importlib.util.spec_from_file_location("make_checkpoints", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    vars(module.OPTIONS).update(depth=1, seed=0, photo=sample_photos()[0])
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_made(kind: str, tool: ModuleType, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tool.write(tool.CASES[kind], tmp_path)
        except ImportError as error:
            pytest.skip(str(error))
    found = judge(tmp_path / kind)
    assert found.kind == KINDS[kind], found
