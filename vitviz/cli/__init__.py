"""The command line: the same core as the window, without Qt. One file a command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import TYPE_CHECKING, Protocol

from vitviz.cli import (
    animate,
    batch,
    charts,
    check,
    download,
    explain,
    figure,
    models,
    provenance,
    reconstruct,
    render,
    train,
    trust,
)
from vitviz.cli.options import failed, find_models
from vitviz.cli.terminal import Parser
from vitviz.errors import VitvizError

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


class Command(Protocol):
    """A module of this package."""

    def add(self, commands: Subparsers, /) -> None:
        """Declares its options."""

    def run(self, options: argparse.Namespace, /) -> int:
        """Runs it; returns the exit code."""


COMMANDS: dict[str, Command] = {
    "explain": explain,
    "trust": trust,
    "batch": batch,
    "figure": figure,
    "render": render,
    "animate": animate,
    "charts": charts,
    "reconstruct": reconstruct,
    "provenance": provenance,
    "train": train,
    "models": models,
    "download": download,
    "check": check,
}
"""Every command by its name, in the order that help lists them."""


def main(arguments: list[str]) -> int:
    """Runs a subcommand; returns the exit code: 0, 1 if something failed, 2 for wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names and captions hold any character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser: argparse.ArgumentParser = Parser(prog="vitviz")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS.values():
        command.add(commands)
    options = parser.parse_args(arguments)
    options.arguments = arguments  # for commands that say how to go on
    try:
        find_models(options)
        code = COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except VitvizError as error:
        return failed(error)
    except BrokenPipeError:
        # Whoever read this has seen enough; so that Python does not complain when it ends:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code
