"""Reads a pickle as data: it says what would be built, and builds and runs nothing.

A pickle is a program for a small stack machine. Here its steps are followed by a machine of our
own, over descriptions instead of objects: a tensor becomes a ``TensorView`` (which numbers of which
storage), whatever else a training script adds (options, paths, NumPy's numbers) a ``StandIn`` that
holds nothing. No class is looked up and no function of the file's choice is called, NumPy's and
torch's included. Dictionaries stay lists of pairs, so that no key is hashed or compared.

Every step costs at most what its own bytes cost, and ``Budget`` bounds how many there are, so that
a file can neither hang nor crash the program. ``pickletools`` tells the steps apart; it runs none.

Difference from ``torch.load(weights_only=True)``: that builds real objects as it goes. A key of
nested tuples overflows the C stack in ``hash()`` or never comes back from it, and NumPy's
constructors make arrays over memory that is not theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pickletools import genops
from typing import Any

MOST_STEPS = 400_000
"""Of all pickles of a file. A ViT of 40 blocks with averages and Adam's state takes 90,000."""

MOST_SECONDS = 3.0
"""Of work for all pickles of a file; as many steps as that take less. Work, not time that passes:
on a computer that is busy with other things a sound file would be refused."""

DEEPEST = 100
"""Containers within each other, and marks left open."""

LONGEST_NAME = 1000
"""Characters of a key, of a storage's name, and of a function's."""

MOST_BITS = 256
"""Of a whole number; states of random generators have 128."""

MOST_NAMES = 100
"""Of functions that are not data; a refusal shows four."""


class BadPickle(ValueError):
    """It is cut short, damaged, or not written as weights are."""


class TooMuch(BadPickle):
    """It goes beyond what weights need, damaged or not."""


class RunsCode(BadPickle):
    """It asks for functions or classes that are not data.

    Args:
        names: Of these, sorted: "posix.system".
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


@dataclass(frozen=True, slots=True, eq=False)
class StandIn:
    """Takes the place of a value that nobody here needs: its kind is all that is known of it."""

    kind: str


@dataclass(slots=True, eq=False)
class Items:
    """A list, tuple or set.

    Args:
        kind: Which of them: "tuple".
        values: In their order.
        depth: Containers within each other, itself included.
    """

    kind: str
    values: list[Any]
    depth: int = 1


@dataclass(slots=True, eq=False)
class Table:
    """A dictionary as it was written, one pair after another; of one key the last counts."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    depth: int = 1


class Attributes(Table):
    """An object that is nothing but its attributes: a script's options, a module of TorchScript."""


@dataclass(frozen=True, slots=True, eq=False)
class Constructor:
    """What a pickle may name in order to have it called: a function over descriptions.

    Args:
        name: As the pickle says it: "torch._utils._rebuild_tensor_v2".
        make: Gives the description of its result; raises ``BadPickle``.
    """

    name: str
    make: Callable[[list[Any]], Any]


@dataclass
class Budget:
    """What is left for the pickles of one file, all read by one thread."""

    steps: int = MOST_STEPS
    end: float = field(default_factory=lambda: time.thread_time() + MOST_SECONDS)

    def spend(self, steps: int = 1) -> None:
        """Takes steps off. Raises ``TooMuch`` when there are none left, or no time."""
        before, self.steps = self.steps, self.steps - steps
        if self.steps < 0:
            raise TooMuch(f"it takes more than {MOST_STEPS:,} steps")
        # The clock is looked at after every 4096 of them.
        if before >> 12 != self.steps >> 12 and time.thread_time() > self.end:
            raise TooMuch(f"it takes longer than {MOST_SECONDS:g} seconds")


def read_pickle(
    stream: BytesIO,
    budget: Budget,
    known: Callable[[str], Any],
    storage: Callable[[Any], Any],
) -> Any:
    """What a pickle describes; the stream then stands behind it.

    Args:
        stream: At its start.
        budget: Shared by all pickles of the file.
        known: What a global name stands for ("torch.float32"), None where it is not allowed.
        storage: What a persistent id stands for; raises ``BadPickle``.

    Raises:
        RunsCode: It names what is not allowed.
        BadPickle: It is damaged, or goes beyond the bounds.
    """
    machine = _Machine(known, storage, budget)
    try:
        result = _run(machine, stream)
    except (ValueError, LookupError) as error:
        if machine.unknown:
            raise RunsCode(sorted(machine.unknown)) from error
        what = "it refers to what is not there" if isinstance(error, LookupError) else str(error)
        raise error if isinstance(error, BadPickle) else BadPickle(what) from error
    if machine.unknown:
        raise RunsCode(sorted(machine.unknown))
    return result


def _run(machine: _Machine, stream: BytesIO) -> Any:
    for step, argument, _ in genops(stream):
        machine.budget.spend()
        if step.name == "STOP":
            return machine.pop()
        if step.name not in _STEPS:
            if step.name == "INST":
                machine.name(str(argument).replace(" ", "."))
            raise TooMuch(f"it uses {step.name}, which weights do not need")
        _STEPS[step.name](machine, argument)
    raise BadPickle("it has no end")


class _Machine:
    """The stack, the marks and the memo of a pickle, over descriptions."""

    def __init__(
        self, known: Callable[[str], Any], storage: Callable[[Any], Any], budget: Budget
    ) -> None:
        self.known = known
        self.storage = storage
        self.budget = budget
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.unknown: set[str] = set()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.stack.pop()

    def mark(self) -> None:
        if len(self.below) >= DEEPEST:
            raise TooMuch(f"it is nested more than {DEEPEST} deep")
        self.below.append(self.stack)
        self.stack = []

    def pop_to_mark(self) -> list[Any]:
        values, self.stack = self.stack, self.below.pop()
        return values

    def remember(self, place: int) -> None:
        # Writers count from 0; other numbers could be chosen to make the dictionary slow.
        if not 0 <= place < MOST_STEPS:
            raise TooMuch("its memo goes beyond all bounds")
        self.memo[place] = self.stack[-1]

    def recall(self, place: int) -> None:
        self.push(self.memo[place])

    def integer(self, value: int) -> None:
        if value.bit_length() > MOST_BITS:
            raise TooMuch(f"it holds a number of {value.bit_length():,} bits")
        self.push(value)

    def old_text(self, value: str) -> None:
        """Text of Python 2, which pickletools gives as Latin-1 and torch.load takes as UTF-8."""
        try:
            self.push(value.encode("latin-1").decode("utf-8"))
        except UnicodeDecodeError:
            self.push(StandIn("bytes"))

    def items(self, kind: str, values: list[Any]) -> None:
        made = Items(kind, [])
        _add(made, values, made.values, values)
        self.push(made)

    def top(self, kind: str, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.items(kind, values[::-1])

    def extend(self, kind: str, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, Items) or target.kind != kind:
            raise BadPickle(f"it adds items to {describe(target)}")
        _add(target, values, target.values, values)

    def append(self) -> None:
        value = self.pop()
        self.extend("list", [value])

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, StandIn):
            return
        if not isinstance(target, Table):
            raise BadPickle(f"it sets items of {describe(target)}")
        if len(values) % 2:
            raise BadPickle("it sets a key without a value")
        for key in values[::2]:
            check_key(key)
        _add(target, values[1::2], target.pairs, list(zip(values[::2], values[1::2], strict=True)))

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def name(self, name: str) -> None:
        """Pushes what a global name stands for, and goes on where that is not allowed.

        A refusal shall give all such names, not the first only.
        """
        if len(name) > LONGEST_NAME:
            raise TooMuch("it names a function longer than any")
        found = self.known(name)
        if found is None:
            if len(self.unknown) < MOST_NAMES:
                self.unknown.add(name)
            found = Constructor(name, lambda _: StandIn(name))
        self.push(found)

    def name_from_stack(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise BadPickle("it names a function by something else than text")
        if len(name) + len(module) > LONGEST_NAME:
            raise TooMuch("it names a function longer than any")
        self.name(f"{module}.{name}")

    def call(self) -> None:
        given, function = self.pop(), self.pop()
        if not isinstance(function, Constructor):
            raise BadPickle(f"it calls {describe(function)}")
        if not isinstance(given, Items) or given.kind != "tuple":
            raise BadPickle(f"it calls {function.name[:100]} without arguments")
        # Else one long list could be gone through again at each step.
        self.budget.spend(len(given.values))
        self.budget.spend(sum(_length(value) for value in given.values))
        self.push(function.make(given.values))

    def build(self) -> None:
        """Gives an object its attributes, which are needed of options and modules only."""
        attributes = self.pop()
        target = self.stack[-1]
        if not isinstance(target, StandIn | Table):
            raise BadPickle(f"it sets attributes of {describe(target)}")
        if isinstance(target, Attributes) and isinstance(attributes, Table):
            self.budget.spend(len(attributes.pairs))
            values = [value for _, value in attributes.pairs]
            _add(target, values, target.pairs, attributes.pairs)

    def persistent(self) -> None:
        self.push(self.storage(self.pop()))


def _length(value: Any) -> int:
    match value:
        case Items():
            return len(value.values)
        case Table():
            return len(value.pairs)
    return 0


def _add(target: Items | Table, values: list[Any], to: list[Any], what: list[Any]) -> None:
    deepest = max((v.depth for v in values if isinstance(v, Items | Table)), default=0)
    target.depth = max(target.depth, deepest + 1)
    if target.depth > DEEPEST:
        raise TooMuch(f"it is nested more than {DEEPEST} deep")
    to.extend(what)


def check_key(key: Any) -> None:
    """Raises ``BadPickle`` for a key that is neither a short text nor a number nor None."""
    if isinstance(key, str):
        if len(key) > LONGEST_NAME:
            raise TooMuch(f"it has a name of {len(key):,} letters")
    elif key is not None and not isinstance(key, int | float):
        raise TooMuch(f"{describe(key)} is a key, where only text and numbers can be")


def describe(value: Any) -> str:
    """What a description is of, in words: "a tuple"."""
    match value:
        case Items():
            return f"a {value.kind}"
        case Table():
            return "a dictionary"
        case StandIn(kind="bytes" | "bytearray" | "encode"):  # "encode": as old pickles make bytes
            return "bytes"
        case StandIn():
            return f"a {value.kind[:100]}"
        case Constructor():
            return value.name[:100]
        case None:
            return "nothing"
        case str() | int() | float():
            return {"str": "a text", "bool": "a truth value"}.get(type(value).__name__, "a number")
    return f"a {type(value).__name__.removesuffix('View').lower()}"


_Step = Callable[[_Machine, Any], None]

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": lambda: Items("tuple", []),
    "EMPTY_LIST": lambda: Items("list", []),
    "EMPTY_SET": lambda: Items("set", []),
    "EMPTY_DICT": Table,
}


def _constant(make: Callable[[], Any]) -> _Step:
    return lambda machine, _: machine.push(make())


_STEPS: dict[str, _Step] = {
    **{name: _constant(make) for name, make in _CONSTANTS.items()},
    **dict.fromkeys(("PROTO", "FRAME"), lambda *_: None),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "LONG4"), _Machine.integer),
    **dict.fromkeys(("BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys(("SHORT_BINSTRING", "BINSTRING"), _Machine.old_text),
    **dict.fromkeys(
        ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        lambda machine, _: machine.push(StandIn("bytes")),
    ),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.recall),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.remember),
    "MEMOIZE": lambda machine, _: machine.remember(len(machine.memo)),
    "MARK": lambda machine, _: machine.mark(),
    "TUPLE": lambda machine, _: machine.items("tuple", machine.pop_to_mark()),
    "TUPLE1": lambda machine, _: machine.top("tuple", 1),
    "TUPLE2": lambda machine, _: machine.top("tuple", 2),
    "TUPLE3": lambda machine, _: machine.top("tuple", 3),
    "FROZENSET": lambda machine, _: machine.items("set", machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append(),
    "APPENDS": lambda machine, _: machine.extend("list", machine.pop_to_mark()),
    "ADDITEMS": lambda machine, _: machine.extend("set", machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_item(),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "GLOBAL": lambda machine, name: machine.name(name.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name_from_stack(),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.persistent(),
}
