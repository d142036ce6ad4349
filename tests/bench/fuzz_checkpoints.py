"""Checkpoints that strangers could send: mutated, cut, and made to hang, crash or overfill.

Run by hand: ``python -m tests.bench.fuzz_checkpoints`` (20,000 files), or with ``--count``,
``--seed``. Every file is read by ``read_checkpoint`` in another process, which is replaced when it
dies. Counted are the files that were read and those that were refused; anything else is a failure
and printed with the number of its file: an exception that is no refusal, a crash of the process, or
more than 5 seconds. One number and seed always make the same file; ``--only NUMBER`` writes it out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.nasty_checkpoints import make

LONGEST = 5.0
"""Seconds a file may take."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Args:
        number: Of the file.
        kind: How it was made.
        result: "read", "refused", or what went wrong.
        seconds: It took.
    """

    number: int
    kind: str
    result: str
    seconds: float


def try_file(seed: int, number: int, folder: Path) -> Outcome:
    """Makes a file, reads it and deletes it."""
    from vitviz.errors import CheckpointError
    from vitviz.models.checkpoints.checkpoint import read_checkpoint

    kind, content = make(seed, number)
    path = folder / f"{number}.pth"
    path.write_bytes(content)
    begin = time.process_time()  # work: the computer may be busy with other things
    try:
        tensors = read_checkpoint((path,)).tensors
        for tensor in tensors.values():  # every number must be there to be read
            tensor.clone()
        result = "read"
    except CheckpointError as error:
        result = "refused" if error.hint else "refused without saying what to do"
    except BaseException as error:  # whatever else it is, is what this looks for
        result = f"{type(error).__name__}: {str(error)[:200]}"
    seconds = time.process_time() - begin
    path.unlink()
    return Outcome(number, kind, result, seconds)


def _work(jobs: Connection, seed: int, folder: Path) -> None:
    """A process: takes numbers of files, tells which it begins and what became of it."""
    import torch

    torch.set_num_threads(1)
    while (number := jobs.recv()) is not None:
        jobs.send(try_file(seed, number, folder))


class _Worker:
    """A process that reads files, replaced when it dies or hangs."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._jobs, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, self.seed, self.folder), daemon=True
        )
        self._process.start()
        theirs.close()
        self._fresh = True

    def read(self, number: int) -> Outcome:
        """What becomes of a file; a crash and a hang are told like anything else."""
        self._jobs.send(number)
        # The first waits for the process to import torch as well.
        limit = LONGEST + (120 if self._fresh else 5)
        self._fresh = False
        try:
            if self._jobs.poll(limit):
                outcome: Outcome = self._jobs.recv()
                return outcome
            what = "hangs"
        except EOFError:
            self._process.join()
            what = f"crashes with code {self._process.exitcode}"
        self._process.kill()
        self._process.join()
        self._start()
        return Outcome(number, make(self.seed, number)[0], what, limit)

    def close(self) -> None:
        self._jobs.send(None)
        self._process.join()
        self._jobs.close()


def fuzz(seed: int, count: int, folder: Path) -> list[Outcome]:
    """What becomes of the first files of a seed, one after another in one process."""
    worker = _Worker(seed, folder)
    try:
        return [worker.read(number) for number in range(count)]
    finally:
        worker.close()


def failures(outcomes: list[Outcome]) -> list[Outcome]:
    """What is neither read nor refused, or took too long."""
    return [o for o in outcomes if o.result not in ("read", "refused") or o.seconds > LONGEST]


def report(outcomes: list[Outcome]) -> str:
    """Counts for each kind of file, the slowest, and every failure."""
    kinds = Counter((o.kind, o.result) for o in outcomes if o.result in ("read", "refused"))
    lines = [
        f"{kind:36} {kinds[kind, 'read']:6} read {kinds[kind, 'refused']:6} refused"
        for kind in sorted({o.kind for o in outcomes})
    ]
    slowest = max(outcomes, key=lambda o: o.seconds)
    wrong = failures(outcomes)
    lines += [f"FAILED {o.number} ({o.kind}): {o.result}, {o.seconds:.1f} s" for o in wrong]
    lines += [
        f"{len(outcomes):,} files: {sum(o.result == 'read' for o in outcomes):,} read, "
        f"{sum(o.result == 'refused' for o in outcomes):,} refused, {len(wrong)} failures",
        f"slowest: {slowest.number} ({slowest.kind}), {slowest.seconds:.2f} s",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="write this file to the current folder")
    options = parser.parse_args()
    if options.only is not None:
        kind, content = make(options.seed, options.only)
        path = Path(f"fuzz-{options.seed}-{options.only}.pth")
        path.write_bytes(content)
        print(f"{path}: {kind}, {len(content):,} bytes")
        return
    with tempfile.TemporaryDirectory() as folder:
        outcomes = fuzz(options.seed, options.count, Path(folder))
    print(report(outcomes))
    raise SystemExit(bool(failures(outcomes)))


if __name__ == "__main__":
    main()
