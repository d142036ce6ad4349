"""``vitviz download``: fetches a checkpoint, once its size and licence were seen."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vitviz.cli.interrupts import interrupts
from vitviz.cli.terminal import say, write_over
from vitviz.errors import Cancelled, CheckpointError, VitvizError
from vitviz.models.catalogue import similar
from vitviz.models.download import Offer, ask, fetch
from vitviz.models.hub_names import HubName, hub_name, local
from vitviz.models.licence_words import licence_words
from vitviz.progress import Control, Stage, throttled
from vitviz.wording.numbers import byte_size
from vitviz.wording.stages import stage_words

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers

WIDTH = 60


def add(commands: Subparsers) -> None:
    """``vitviz download NAME``."""
    parser = commands.add_parser(
        "download",
        help="fetch a checkpoint from the Hugging Face hub or torchvision",
        description="Shows size and licence, asks, and fetches a checkpoint to where other "
        "programs keep theirs, so that it is fetched once for all. What was cut off goes on where "
        "it was. --model takes the same name then. HF_ENDPOINT (a mirror), HF_HOME, HF_TOKEN, "
        "TORCH_HOME and HTTPS_PROXY are respected.",
    )
    option = parser.add_argument
    option("name", metavar="NAME",
        help="timm/..., google/..., any repository of the hub, torchvision/..., an https address; "
        "vitviz models lists well-known ones")  # fmt: skip
    option("--yes", action="store_true", help="do not ask; for scripts")


def run(options: argparse.Namespace) -> int:
    """Fetches it."""
    name = hub_name(options.name)
    if name is None:
        guesses = " or ".join(similar(options.name))
        raise CheckpointError(
            f'"{options.name}" is no name of something to fetch.',
            f"Did you mean {guesses}?" if guesses else "Names are like timm/vit_small_patch16_224"
            ".dino; vitviz models lists well-known ones.",
        )  # fmt: skip
    if (there := local(name)) is not None:
        say(f"{options.name} is on this computer: {there}")
        return 0
    offer = ask(name)
    for line in offered(offer):
        say(line)
    if not options.yes and not _agreed():
        return 1
    say(f"Fetched: {_fetched(offer)}")
    say(f"Look through it: vitviz explain PHOTO --model {options.name}")
    return 0


def offered(offer: Offer) -> list[str]:
    """What would be fetched, a line each."""
    licence = licence_words(offer.licence)
    marks = " (no commercial use)" if offer.non_commercial else ""
    if not offer.licence:
        licence = "not stated by its source: look before you use it"
    checked = "" if offer.is_checked else "  Its source gives no hash to check it with."
    gated = "  Its terms have to be accepted on its page first." if offer.gated else ""
    return [
        f"{_titled(offer.name)}",
        f"  {byte_size(offer.bytes) if offer.bytes else 'size not known'}, from {offer.page}",
        f"  Licence: {licence}{marks}",
        *filter(None, (gated, checked)),
    ]


def _titled(name: HubName) -> str:
    what = name.repo or name.url
    return f"{name.row.title} ({what})" if name.row else what


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise VitvizError(
            "Nobody is there to say yes.", "Give --yes once you have read the licence."
        )
    try:
        answer = input("Fetch it? [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().casefold() in ("y", "yes")


def _fetched(offer: Offer) -> str:
    control = Control()

    def show(stage: Stage) -> None:
        if sys.stderr.isatty():
            write_over(stage_words(stage), WIDTH)

    with interrupts(control.cancel), throttled(show) as tell:

        def progress(stage: Stage, fraction: float) -> None:  # noqa: ARG001
            control.check()
            tell(stage)

        try:
            return str(fetch(offer, progress))
        except Cancelled:
            raise VitvizError(
                "Stopped; what came so far is kept.", "The same command goes on where it was."
            ) from None
        finally:
            if sys.stderr.isatty():
                write_over("", WIDTH)
