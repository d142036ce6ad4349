"""Parts of a batch that computers work on independently, each with a journal of its own.

Which photo is of which part follows from what the photo is called and from nothing else, so that
each part can be begun, ended and begun again anywhere and in any order. The parts write into one
folder; ``merge`` makes the table of them once all have ended.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from vitviz.batch.listing import JOURNAL

MOST = 100_000

PART = re.compile(r"vitviz-batch-([1-9]\d{0,5})-of-([1-9]\d{0,5})\.jsonl")


@dataclass(frozen=True)
class Shard:
    """One of several parts.

    Args:
        number: Which, from 1.
        of: How many there are.
    """

    number: int = 1
    of: int = 1

    def has(self, key: str) -> bool:
        """Whether a photo, or what is only read as a whole, belongs to this part."""
        # Not a CRC, which puts names that differ in a digit only into few of the parts.
        digest = hashlib.blake2b(key.encode("utf-8", "backslashreplace"), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number - 1

    @property
    def journal(self) -> str:
        """The name of its journal."""
        if self == WHOLE:
            return JOURNAL
        return f"{Path(JOURNAL).stem}-{self.number}-of-{self.of}.jsonl"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Shard()
"""All photos."""


def shard_called(text: str) -> Shard:
    """The part that "3/8" names.

    Raises:
        ValueError: It names none.
    """
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal()):
        raise ValueError(f"“{text[:40]}” is not a part such as 3/8")
    shard = Shard(int(number[:7]), int(of[:7]))
    if not 1 <= shard.number <= shard.of <= MOST:
        raise ValueError(f"“{text[:40]}” is not a part: those are 1/N to N/N, N at most {MOST:,}")
    return shard


def shards_in(out: Path) -> dict[Shard, Path]:
    """The journals of parts in a folder of results.

    Raises:
        OSError: It cannot be read.
    """
    found = ((PART.fullmatch(path.name), path) for path in out.iterdir())
    return {Shard(int(name[1]), int(name[2])): path for name, path in found if name}
