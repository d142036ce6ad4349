"""What the program runs on, for reports."""

from __future__ import annotations

import platform
from importlib import import_module, metadata

import numpy as np
import torch

import vitviz
from vitviz.memory import available_bytes, physical_bytes
from vitviz.models.loading import devices
from vitviz.tracing.memory import in_words


def environment() -> list[tuple[str, str]]:
    """Names and values."""
    memory = f"{in_words(physical_bytes())}, {in_words(available_bytes())} free"
    return [
        ("vitviz", vitviz.__version__),
        ("Python", platform.python_version()),
        ("torch", torch.__version__),
        ("torchvision", _importable("torchvision")),
        ("PySide6", _installed("PySide6-Essentials", "PySide6")),
        ("Pillow", _installed("pillow")),
        ("NumPy", np.__version__),
        ("System", platform.platform()),
        ("Processor", f"{platform.machine()}, {torch.get_num_threads()} threads"),
        ("Memory", memory),
        ("Devices", ", ".join(f"{device.name} ({device.title})" for device in devices())),
    ]


def _importable(name: str) -> str:
    try:
        return str(import_module(name).__version__)
    except Exception as error:
        return f"not importable: {error}"


def _installed(*names: str) -> str:
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "not installed"
