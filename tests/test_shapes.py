"""Shapes in signatures are checked while the tests run, and cost nothing in the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from vitviz import shapes
from vitviz.maps.resample import overlaps

REPOSITORY = Path(__file__).resolve().parent.parent

UNCHECKED = """
import sys
import numpy as np
from vitviz.maps.resample import overlaps
assert "jaxtyping" not in sys.modules
print(overlaps(np.array([0.0, 2.0]), np.array([0.0, 1.0, 4.0])).tolist())
"""


def test_the_tests_check_shapes_and_types() -> None:
    edges = np.array([0.0, 1.0, 4.0])
    assert overlaps(edges[:2], edges).shape == (1, 2)
    for wrong in (edges.reshape(1, 3), edges.astype(np.float32), edges.tolist()):
        with pytest.raises(jaxtyping.TypeCheckError):
            overlaps(wrong, edges)


def test_every_shape_is_one_that_is_checked() -> None:
    for name in shapes.__all__:
        assert getattr(shapes, name) is getattr(jaxtyping, name)


def test_the_program_runs_without_the_checks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCHECKED], cwd=REPOSITORY, capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[1.0, 1.0]]"
