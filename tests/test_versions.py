"""The versions that are written down fit the project, and how they are found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def versions() -> ModuleType:
    """The script."""
    spec = importlib.util.spec_from_file_location("versions", ROOT / "tools" / "versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written_down() -> dict[str, Requirement]:
    """tools/tested-versions.txt, by name."""
    lines = (ROOT / "tools" / "tested-versions.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return {one.name: one for one in found}


def test_every_requirement_has_a_tested_version_within_its_bounds(versions: ModuleType) -> None:
    tested = written_down()
    for wanted in versions.requirements():
        (pin,) = tested[canonicalize_name(wanted.name)].specifier
        assert wanted.specifier.contains(pin.version), f"{wanted} but tested with {pin}"


def test_tested_versions_hold_on_every_platform() -> None:
    for name, one in written_down().items():
        (pin,) = one.specifier
        assert pin.operator == "=="
        assert "+" not in pin.version
        assert one.url is None
        assert one.marker is None
        assert not name.startswith(("nvidia", "cuda", "triton"))


def test_what_holds_on_one_computer_only_is_not_written_down(versions: ModuleType) -> None:
    frozen = [
        "nvidia-cublas==13.1", "nvidia_cuda_nvrtc==1", "cuda-toolkit==13.0", "triton==3.8.0",
        "torch==2.14.1+cpu", "PySide6_Essentials==6.11.3", "local @ file:///somewhere", "-e /here",
    ]  # fmt: skip
    assert versions.portable(frozen) == ["pyside6-essentials==6.11.3", "torch==2.14.1"]


def test_lower_bounds(versions: ModuleType) -> None:
    wanted = [Requirement(text) for text in ("b_C>=6.9,!=6.10,<7", "a>=2", "a>=2")]
    assert versions.lower_bounds(wanted) == ["a==2", "b-c==6.9"]


def test_a_requirement_without_a_lower_bound_is_named(versions: ModuleType) -> None:
    with pytest.raises(SystemExit, match="pillow"):
        versions.lower_bounds([Requirement("pillow<14")])
