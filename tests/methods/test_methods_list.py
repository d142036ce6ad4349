"""The list of methods: known without torch, consistent."""

from __future__ import annotations

import subprocess
import sys

from vitviz.methods import METHODS


def test_listing_methods_leaves_torch_unimported():
    code = (
        "import sys, vitviz.methods as m; "
        "print([(x.name, x.title, [p.name for p in x.parameters]) for x in m.METHODS.values()]); "
        "sys.exit('torch' in sys.modules or 'PySide6' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "rollout" in done.stdout


def test_names_and_settings():
    assert list(METHODS) == [
        "attention", "value-attention", "rollout", "value-rollout", "attention-flow", "relevance",
        "grad-cam", "hires-cam", "libragrad", "legrad", "daam", "daam-label-free",
        "gradient-rollout", "gmar", "attention-grad-cam", "leave-one-out", "integrated-gradients",
        "smooth-grad", "feature-norm", "pca", "similarity", "words", "outliers",
    ]  # fmt: skip
    for name, method in METHODS.items():
        assert method.name == name
        assert method.settings({}) == {p.name: p.default for p in method.parameters}
        for parameter in method.parameters:
            if parameter.choices:
                assert parameter.default in parameter.choices
            elif not isinstance(parameter.default, str):  # a line of text is any
                assert parameter.bounds is not None
                assert parameter.bounds[0] <= parameter.default
