"""A run's checkpoint and log: read with no trust, written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.paths import is_there
from vitviz.reading import parse, typed
from vitviz.training.recipes import OtherRun
from vitviz.writing import write_whole

FORMAT = 1
"""Of checkpoints; a reader refuses others."""

CHECKPOINT = "last.pt"
BEFORE_COOL_DOWN = "before-cool-down.pt"
LOG = "log.jsonl"

Measured = dict[str, int | float]
LogLine = dict[str, int | float | Measured]
"""A step with its losses, or with what was measured after it. Losses may have become infinite."""


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Writes a checkpoint; when that fails, what was there stays.

    Args:
        path: Of the file.
        state: Tensors, numbers, texts, and dictionaries of them.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    write_whole(path, buffer.getvalue(), durable=True)


def read_state(path: Path) -> dict[str, Any]:
    """What ``write_state`` wrote.

    Raises:
        VitvizError: The file is something else, or damaged.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"its format is {state['format']}, not {FORMAT}")
    except Exception as error:  # a damaged file can raise anything
        raise VitvizError(
            f"{path} is no checkpoint of a run that can be resumed ({error}).",
            "Move it away to begin anew.",
        ) from error
    found: dict[str, Any] = state
    return found


def told(state: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], list[Measured]]:
    """The choices of a run and what was measured in it so far, from its checkpoint.

    Args:
        state: Of the checkpoint.
        path: Of the checkpoint.

    Raises:
        VitvizError: They are damaged.
    """
    try:
        facts = typed(dict[str, Any], parse(state["facts"]))
        return facts, list(typed(tuple[Measured, ...], parse(state["history"], finite=False)))
    except (KeyError, TypeError, ValueError) as error:
        raise VitvizError(f"{path} is damaged ({error}).", "Move it away to begin anew.") from error


def restore(own: Mapping[str, Tensor], saved: Mapping[str, Tensor], path: Path) -> None:
    """Copies saved tensors into the network's own.

    Raises:
        OtherRun: They are not of the same names and shapes.
    """
    shapes = {name: tensor.shape for name, tensor in saved.items()}
    if {name: tensor.shape for name, tensor in own.items()} != shapes:
        raise OtherRun(
            f"{path} is of another network.",
            "Choose what the run was begun with, or another folder for this one.",
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(saved[name])


def check_choices(path: Path, saved: Mapping[str, object], given: Mapping[str, object]) -> None:
    """Refuses to resume a run under other choices than it was begun with.

    Args:
        path: Of the checkpoint.
        saved: From it.
        given: Now.

    Raises:
        OtherRun: Some differ.
    """
    given = json.loads(json.dumps(given))
    names = sorted(saved.keys() | given.keys())
    different = [
        f"{name} was {saved.get(name)}, not {given.get(name)}"
        for name in names
        if saved.get(name) != given.get(name)
    ]
    if different:
        raise OtherRun(
            f"The run in {path.parent} was begun with other choices: {'; '.join(different[:3])}.",
            "Choose the same ones to resume it, or another folder to begin anew.",
        )


def append_line(path: Path, line: Mapping[str, object]) -> None:
    """Adds a line to a log.

    Raises:
        VitvizError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise VitvizError(
            f"{path} could not be written: {error.strerror or error}.",
            "Make room and resume: it goes on from the last checkpoint.",
        ) from error


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, oldest first, without one that was cut short."""
    if not is_there(path):
        return []
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise VitvizError(
            f"{path} cannot be read: {error.strerror or error}.", "Move it away to begin anew."
        ) from error
    lines = []
    for text in content.splitlines():
        try:
            line = typed(LogLine, parse(text, finite=False))
        except ValueError:
            continue
        if "step" in line:
            lines.append(line)
    return lines


def write_log(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Writes a log anew."""
    write_whole(path, "".join(json.dumps(line) + "\n" for line in lines).encode(), durable=True)
