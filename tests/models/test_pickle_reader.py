"""Pickles as data: what is in them, and the bounds that a stranger's cannot cross."""

from __future__ import annotations

import pickle
import time
from collections import OrderedDict
from io import BytesIO

import pytest

from tests.bench.nasty_pickles import name, number, text
from vitviz.models.checkpoints.pickle_reader import (
    DEEPEST,
    LONGEST_NAME,
    MOST_STEPS,
    BadPickle,
    Budget,
    Items,
    RunsCode,
    StandIn,
    Table,
    TooMuch,
    read_pickle,
)
from vitviz.models.checkpoints.torch_names import known, plain_storage


def read(content: bytes, budget: Budget | None = None) -> object:
    return read_pickle(BytesIO(content), budget or Budget(), known, plain_storage)


def plain(found: object) -> object:
    """What was described, as Python's own values."""
    if isinstance(found, Items):
        kind = {"list": list, "tuple": tuple, "set": set}[found.kind]
        return kind(plain(value) for value in found.values)
    if isinstance(found, Table):
        return {key: plain(value) for key, value in found.pairs}
    return found


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(protocol: int) -> None:
    value = {
        "text": "ä\ud800", "numbers": [0, -1, 255, 65_536, 1 << 40, -(1 << 100), 1.5, float("inf")],
        "none": None, "truth": (True, False), 3: {"in": ({"it": ()},)}, 2.5: [], None: "x" * 300,
        "ordered": OrderedDict(a=1, b=[2]), "twice": [shared := (1, 2), shared],
    }  # fmt: skip
    assert plain(read(pickle.dumps(value, protocol))) == value


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    found = read(b"\x80\x02}(" + text("a") + b"K\1" + text("a") + b"K\2u.")
    assert plain(found) == {"a": 2}


def test_the_stream_stands_behind_the_pickle() -> None:
    stream = BytesIO(pickle.dumps([1], 2) + b"rest")
    read_pickle(stream, Budget(), known, plain_storage)
    assert stream.read() == b"rest"


def test_bytes_and_what_scripts_add_become_stand_ins() -> None:
    found = read(pickle.dumps([b"abc", bytearray(b"abc"), complex(1, 2)], 4))
    assert isinstance(found, Items)
    assert all(isinstance(value, StandIn) for value in found.values)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b")" + b"\x85" * 2_000_000, id="tuples"),
        pytest.param(b"](" * 5000 + b"e" * 5000, id="lists"),
        pytest.param(b"}K\1" * 5000 + b"N" + b"s" * 5000, id="dictionaries"),
        pytest.param(b"(" * 500_000, id="marks"),
        pytest.param(b")q\0" + b"h\0\x86q\0" * 101, id="doubled tuples"),
        pytest.param(b"]q\0" + b"h\0a" * 200, id="a list in itself"),
    ],
)
def test_nesting_is_bounded(content: bytes) -> None:
    with pytest.raises(TooMuch, match=f"nested more than {DEEPEST} deep"):
        read(content + b".")


def test_nesting_within_the_bound_is_read() -> None:
    deep: list[object] = []
    for _ in range(DEEPEST - 1):
        deep = [deep]
    assert plain(read(pickle.dumps(deep, 2))) == deep


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (b")" + b"\x85" * 50, "a tuple is a key"),
        (b")q\0" + b"h\0\x86q\0" * 60, "a tuple is a key"),
        (b"]", "a list is a key"),
        (b"}", "a dictionary is a key"),
        (b"C\1a", "bytes is a key"),
        (text("x" * (LONGEST_NAME + 1)), "a name of 1,001 letters"),
        (number(1 << 3000), "a number of 3,001 bits"),
    ],
    ids=["nested", "doubled", "list", "dictionary", "bytes", "long text", "long number"],
)
@pytest.mark.parametrize("together", [True, False])
def test_keys_are_text_and_numbers_only(key: bytes, named: str, together: bool) -> None:
    with pytest.raises(TooMuch, match=named):
        read(b"}(" + key + b"Nu." if together else b"}" + key + b"Ns.")


def test_steps_are_counted_over_all_pickles_of_a_file() -> None:
    budget = Budget(steps=10)
    read(b"](K\1K\2e.", budget)
    with pytest.raises(TooMuch, match=f"{MOST_STEPS:,} steps"):
        read(b"](K\1K\2e.", budget)


def test_time_is_bounded() -> None:
    with pytest.raises(TooMuch, match="longer than"):
        read(b"N" * 5000 + b".", Budget(end=0.0))


def test_time_that_others_take_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, now = Budget(), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 100)
    assert read(b"N" * 5000 + b".", budget) is None
    monkeypatch.setattr(time, "thread_time", lambda: budget.end + 0.1)
    with pytest.raises(TooMuch, match="longer than 3 seconds"):
        read(b"N" * 5000 + b".", budget)


@pytest.mark.parametrize(
    "nasty",
    [
        name("collections.OrderedDict") + b"q\1](" + (text("a") + b"K\1\x86") * 1000
        + b"e\x85q\0R" + b"h\1h\0R" * 500,
        name("torch.device") + b"q\1(" + b"N" * 1000 + b"tq\0" + b"h\1h\0R" * 500,
        text("x" * 900_000) + b"q\0" + b"h\0h\0\x93" * 5000,
        text("x" * 900_000) + b"q\0" + (b"(" + text("storage") + name("torch.FloatStorage")
        + b"h\0NK\1tQ") * 5000,
    ],
    ids=["one list again and again", "many arguments", "long names", "long storages"],
)  # fmt: skip
def test_no_step_costs_more_than_its_own_bytes(nasty: bytes) -> None:
    with pytest.raises(TooMuch):
        read(b"\x80\4" + nasty + b".")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"N", b".", b"K", b"h\7.", b"e.", b"(e.", b"Na.", b"NNNs.", b"](NNu.", b"}(Nu.",
        b"\x8b\xff\xff\xff\x7f.", b"X\xff\xff\xff\xffab.", b"\x8e" + b"\xff" * 7 + b"\x7fa.",
        b"N)R.", b"Nb.", b"NQ.", b"r\xff\xff\xff\xff.", b"Nr\xff\xff\xff\xff.", b"\xff.",
        b"]q\0NR.",
    ],
)  # fmt: skip
def test_damage_is_a_refusal(content: bytes) -> None:
    with pytest.raises(BadPickle, match=r"\w"):
        read(content)


def test_all_that_would_run_is_named_even_when_the_rest_is_damaged() -> None:
    content = b"cos\nsystem\n(X\2\0\0\0lstRcbuiltins\neval\n)R(X\1\0\0\0xisubprocess\nPopen\n"
    with pytest.raises(RunsCode) as caught:
        read(content)
    assert caught.value.names == ["builtins.eval", "os.system", "subprocess.Popen"]


def test_names_on_the_stack_are_names_too() -> None:
    with pytest.raises(RunsCode) as caught:
        read(b"\x80\4" + text("nt") + text("system") + b"\x93)R.")
    assert caught.value.names == ["nt.system"]
