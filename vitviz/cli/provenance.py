"""``vitviz provenance``: what made a file, and the session that did."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.cli.terminal import say
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import MapFacts, Provenance, to_json
from vitviz.exporting.reopen import reopen
from vitviz.exporting.stamp import read
from vitviz.methods import METHODS
from vitviz.session import session_file
from vitviz.wording.names import layer_name

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers

MOST_MAPS = 12
"""Printed in full; of a file with more, the rest is counted."""


def add(commands: Subparsers) -> None:
    """``vitviz provenance FILE``."""
    parser = commands.add_parser(
        "provenance",
        help="say what made a file that vitviz wrote",
        description="Prints what is written in a picture, figure, animation or file of values: "
        "photo and weights with their SHA-256, preprocessing, method with all parameters, "
        "versions.",
    )
    option = parser.add_argument
    option("file", type=Path, metavar="FILE", help="a file that vitviz wrote, or the JSON beside")
    option("--json", action="store_true", help="print all of it as JSON")
    option("--session", type=Path, metavar="OUT.vitviz",
        help="write the session that made it, which the window opens; photos are looked for at "
        "their path and beside FILE")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Prints the provenance of a file; writes its session."""
    provenance = read(options.file)
    if options.json:
        for line in to_json(provenance, 1).splitlines():
            say(line, len(line))
    else:
        for line in described(provenance):
            say(line)
    if options.session is None:
        return 0
    if options.session.suffix != session_file.SUFFIX:
        raise VitvizError(
            f"{options.session} is not a name for a session.", f"End it in {session_file.SUFFIX}."
        )
    found = reopen(provenance, options.file)
    for problem in found.problems:
        say(f"  {problem}")
    session_file.save(found.session, options.session)
    say(f"  wrote {options.session}")
    return 0


def described(provenance: Provenance) -> Iterator[str]:
    """Lines for people."""
    yield f"{provenance.kind}, by vitviz {provenance.program}"
    yield "  " + ", ".join(
        f"{name} {version}" for name, version in sorted(provenance.libraries.items())
    )
    for name, value in sorted(provenance.settings.items()):
        yield f"  {name}: {value}"
    for facts in provenance.maps[:MOST_MAPS]:
        yield from _map(facts)
    if len(provenance.maps) > MOST_MAPS:
        yield f"and {len(provenance.maps) - MOST_MAPS} more maps (--json has them all)"


def _map(facts: MapFacts) -> Iterator[str]:
    photo, model, given = facts.photo, facts.model, facts.input
    height, width = photo.size
    yield facts.caption
    frame = f", frame {photo.frame + 1}" if photo.frame else ""
    yield f"  photo       {photo.name}, {width} x {height}{frame}"
    yield f"              SHA-256 {photo.sha256}"
    yield f"  model       {model.title} ({model.id}), {model.bytes:,} bytes"
    yield f"              SHA-256 {model.sha256}"
    yield from (f"              {note}" for note in model.notes)
    yield (
        f"  input       {given.mode}"
        + (f", {given.fineness}x finer" if given.fineness > 1 else "")
        + f": {given.input_size[1]} x {given.input_size[0]}, "
        f"{given.grid[0]} rows x {given.grid[1]} columns of patches"
    )
    left, top, right, bottom = given.seen
    yield f"              sees x {left:.1f} to {right:.1f}, y {top:.1f} to {bottom:.1f}"
    settings = ", ".join(f"{name} {value}" for name, value in sorted(facts.parameters.items()))
    yield f"  method      {facts.method}" + (f": {settings}" if settings else "")
    layer = "all layers" if facts.layer is None else layer_name(facts.layer - 1)
    head = "all heads" if facts.head is None else f"head {facts.head}"
    target = "" if facts.target is None else f", class {facts.target}"
    target += "" if facts.contrast is None else f", not class {facts.contrast}"
    method = METHODS.get(facts.method)  # what it is not about is not told
    said = [layer]
    said += [head] if method is None or method.heads != "none" else []
    said += [f"{facts.direction} {facts.query}"] if method is None or method.about_token else []
    yield f"  map         {', '.join(said)}{target}; {facts.unit}"
    yield f"  computed    {facts.device}, {facts.precision}"
