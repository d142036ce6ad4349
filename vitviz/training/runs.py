"""The two ways to make a model.

Importing this does not load torch: the command line and the window do it before there is a run.
"""

from __future__ import annotations

from pathlib import Path

from vitviz.progress import Progress, silent
from vitviz.training.recipes import DistilOptions, FinetuneOptions, Listener, nobody


def distil(options: DistilOptions, progress: Progress = silent, report: Listener = nobody) -> Path:
    """Makes a student, or resumes making it; loads torch.

    Args:
        options: What and how.
        progress: Told how far it is; may raise ``Cancelled``: the same options resume it then.
        report: Told losses and measurements.

    Returns:
        The student's checkpoint, with its card beside it.

    Raises:
        VitvizError: It cannot be done, or not be written; the last checkpoint of the run stays.
    """
    from vitviz.training.distil.run import run

    return run(options, progress, report)


def finetune(
    options: FinetuneOptions, progress: Progress = silent, report: Listener = nobody
) -> Path:
    """Makes a classifier of the classes that a folder's folders are; as ``distil`` otherwise."""
    from vitviz.training.finetune.run import run

    return run(options, progress, report)
