"""Pickles that are made to hang, to crash, to fill the memory or to run code."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from random import Random

Part = Callable[[Random], bytes]


def text(value: str) -> bytes:
    """A text as a step of a pickle."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """A whole number."""
    if 0 <= value < 256:
        return b"K" + bytes([value])
    raw = pickle.encode_long(value)
    if len(raw) < 256:
        return b"\x8a" + bytes([len(raw)]) + raw
    return b"\x8b" + struct.pack("<I", len(raw)) + raw


def numbers(values: list[int]) -> bytes:
    """A tuple of whole numbers."""
    return b"(" + b"".join(map(number, values)) + b"t"


def name(full: str) -> bytes:
    """A global name."""
    module, _, last = full.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def call(full: str, *given: bytes) -> bytes:
    """What a function of this name gives."""
    return name(full) + b"(" + b"".join(given) + b"tR"


def storage(kind: str, key: str, count: int, *, part: bytes | None = b"") -> bytes:
    """A storage; with ``part``, as the older layout writes it."""
    given = text("storage") + name(f"torch.{kind}Storage") + text(key) + text("cpu")
    return b"(" + given + number(count) + (part or b"") + b"tQ"


def tensor(data: bytes, offset: int, size: list[int], stride: list[int]) -> bytes:
    """A tensor over a storage."""
    rest = b"\x89" + call("collections.OrderedDict")
    made = (data, number(offset), numbers(size), numbers(stride), rest)
    return call("torch._utils._rebuild_tensor_v2", *made)


def table(**values: bytes) -> bytes:
    """A dictionary."""
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


def _large(random: Random) -> int:
    near = random.choice(
        [0, 1, 2, 3, 6, 24, 255, 1 << 15, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 1 << 64]
    )
    return random.choice([1, 1, 1, -1]) * (near + random.randint(-1, 1))


def _memo_tuples(random: Random) -> bytes:
    """Doubled again and again: 2 to the power of the count when it is walked, or hashed."""
    count = random.randint(1, 150)
    doubled = b")q\0" + b"h\0\x86q\0" * count
    return random.choice([b"}" + doubled + b"K\1s", doubled, b"]" + doubled + b"a"])


def _memo_lists(random: Random) -> bytes:
    """The billion laughs."""
    return (
        b"]q\0"
        + b"]("
        + b"".join(b"h\0" * 10 + b"eq\0](" for _ in range(random.randint(1, 90)))
        + b"e"
    )


def _deep(random: Random) -> bytes:
    depth = random.choice([50, 99, 101, 1000, 10_000])
    start, end = random.choice([
        (b")", b"\x85"), (b"](", b"e"), (b"}K\1", b"s"), (b"(", b"t"), (b"]", b"a"),
    ])  # fmt: skip
    if start == b")":
        return b")" + end * depth
    return start * depth + random.choice([b"", b"N"]) + end * depth


def _deep_key(random: Random) -> bytes:
    return b"}" + b")" + b"\x85" * random.choice([1, 90, 20_000]) + b"K\1s"


def _itself(random: Random) -> bytes:
    """A list or dictionary that holds itself, as a value or as a key."""
    return random.choice(
        [b"]q\0h\0a", b"}q\0K\1h\0s", b"}q\0h\0K\1s", b"]q\0h\0\x85a", b"]q\0(h\0h\0h\0e"]
    )


def _claims(random: Random) -> bytes:
    """Says that very much follows."""
    step = random.choice([b"\x8b", b"X", b"B", b"T", b"r", b"j"])
    if random.random() < 0.5:
        return random.choice([b"\x8e", b"\x8d", b"\x96", b"\x95"]) + struct.pack(
            "<Q", random.choice([1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
        )
    return step + struct.pack(
        "<I", random.choice([5, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
    )


def _long(random: Random) -> bytes:
    bits = random.choice([64, 255, 257, 4000, 800_000])
    value = number((1 << bits) - random.randint(1, 9))
    return random.choice([value, b"}" + value + b"K\1s"])


def _wide(random: Random) -> bytes:
    count = random.choice([100, 1000, 20_000])
    return random.choice([
        b"(" + b"K\1" * count + b"t", b"](" + b"K\1" * count + b"e",
        b"}(" + b"K\1K\2" * count + b"u", b"(" * min(count, 2000), b"]" * count, b"N2" * count,
    ])  # fmt: skip


def _same_hash(random: Random) -> bytes:
    """Keys that a dictionary of Python takes for each other."""
    step = random.choice([(1 << 61) - 1, 1 << 40, 1 << 20, 1 << 100])
    keys = b"".join(number(step * i) + b"N" for i in range(3000))
    return b"}(" + keys + b"u"


def _long_keys(random: Random) -> bytes:
    long = "x" * random.choice([900, 1100, 60_000])
    return text(long) + b"q\0" + text(long) + b"q\1}(" + b"h\0Nh\1N" * 2000 + b"u"


def _code(random: Random) -> bytes:
    what = random.choice(["os.system", "builtins.eval", "posix.system", "nt.system", "sys.exit",
                          "subprocess.Popen", "torch.load", "builtins.getattr", "numpy.load",
                          "torch.hub.load", "x" * 5000 + ".y"])  # fmt: skip
    module, _, last = what.rpartition(".")
    command = text("echo must never run > /dev/null")
    return random.choice([
        call(what, command), name(what) + b"(" + command + b"t\x81", name(what) + b")R}b",
        b"(" + command + b"i" + module.encode() + b"\n" + last.encode() + b"\n",
        text(module) + text(last) + b"\x93(" + command + b"tR",
        name(what), b"P1\n", b"\x82\1", b"(" + name(what) + command + b"o",
    ])  # fmt: skip


def _numpy(random: Random) -> bytes:
    """NumPy's makers with chosen states: an array that claims more than its buffer has."""
    dtype = call("numpy.dtype", text(random.choice(["f4", "f8", "O", "V9", "x"])), b"\x89", b"\x88")
    state = (
        b"(K\3"
        + text("<")
        + b"("
        + dtype
        + numbers([_large(random)])
        + b"tNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    array = call(
        "numpy.ndarray",
        numbers([1]),
        dtype + state,
        call("numpy.ndarray", numbers([4]), text("f4")),
    )
    made = call(
        "torch._utils._rebuild_device_tensor_from_numpy",
        array,
        name("torch.float64"),
        text("cpu"),
        b"\x89",
    )
    scalar = call("numpy._core.multiarray.scalar", dtype, b"C\x04abcd")
    kept = call(
        "numpy._core.multiarray._reconstruct",
        name("numpy.ndarray"),
        numbers([_large(random)]),
        b"C\1b",
    )
    return random.choice(
        [array, made, scalar, kept + b"(K\1" + numbers([9]) + dtype + b"\x89C\2aatb"]
    )


def _odd_tensor(random: Random) -> bytes:
    good = tensor(storage("Float", "0", 24), 0, [2], [1])
    maker = random.choice([
        "_rebuild_sparse_tensor", "_rebuild_nested_tensor", "_rebuild_qtensor", "_rebuild_tensor",
        "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass", "_rebuild_parameter",
        "_rebuild_parameter_with_state", "_rebuild_tensor_v2", "_rebuild_tensor_v3",
        "_rebuild_device_tensor_from_cpu_tensor",
    ])  # fmt: skip
    parts = [good, number(_large(random)), numbers([2]), b"N", name("torch.float64"), b"}", b")",
             storage("Float", "0", 24), name("torch.uint16"), text("cpu")]  # fmt: skip
    made = call(f"torch._utils.{maker}", *random.choices(parts, k=random.randint(0, 8)))
    typed = call("torch._tensor._rebuild_from_type_v2", name(f"torch._utils.{maker}"),
                 name("torch.nn.parameter.Parameter"), random.choice(parts), b"}")  # fmt: skip
    return random.choice([made, typed])


def _lying_tensor(random: Random) -> bytes:
    """Sizes, strides, offsets and storages that do not fit together."""
    kind = random.choice(
        ["Float", "Half", "Double", "BFloat16", "Bool", "Untyped", "QInt8", "ComplexFloat"]
    )
    count = random.choice([24, 24, 12, 6, 48, 96, _large(random)])
    part = random.choice(
        [b"", b"", b"N", b"(" + text("v") + number(_large(random)) + number(_large(random)) + b"t"]
    )
    data = storage(kind, random.choice(["0", "0", "1", "7", "../0", "0\0"]), count, part=part)
    dims = random.choice([1, 2, 3, 3, 40])
    sizes = [random.choice([0, 1, 2, 3, 4, _large(random)]) for _ in range(dims)]
    strides = [random.choice([0, 1, 2, 6, _large(random)]) for _ in range(dims)]
    made = tensor(data, random.choice([0, 0, 1, 23, _large(random)]), sizes, strides)
    if random.random() < 0.3:
        dtype = name(f"torch.{random.choice(['uint16', 'float64', 'int4', 'quint8', 'complex64'])}")
        given = (
            data,
            number(random.randint(0, 9)),
            numbers(sizes),
            numbers(strides),
            b"\x89",
            b"}",
        )
        made = call("torch._utils._rebuild_tensor_v3", *given, dtype)
    return made


def _anything(random: Random) -> bytes:
    """Steps in any order, with arguments that have the right form."""
    steps = [
        b"(", b")", b"]", b"}", b"\x8f", b"N", b"\x88", b"\x89", b"t", b"\x85", b"\x86", b"\x87",
        b"a", b"e", b"s", b"u", b"\x90", b"\x91", b"R", b"\x81", b"b", b"Q", b"\x94", b"q\0",
        b"h\0", b"q\1", b"h\1", b"K\1", b"G?\xf0\0\0\0\0\0\0", b"C\1a", b"U\1\xe9", b"\x93", b"0",
        b"2", b"1", name("torch._utils._rebuild_tensor_v2"), name("collections.OrderedDict"),
        name("torch.FloatStorage"), text("storage"), text("0"), storage("Float", "0", 24),
        tensor(storage("Float", "0", 24), 0, [2], [1]), number(1 << 64), name("numpy.dtype"),
    ]  # fmt: skip
    return b"".join(random.choices(steps, k=random.randint(1, 60)))


PARTS: dict[str, Part] = {
    "doubled tuples": _memo_tuples,
    "billion laughs": _memo_lists,
    "deep": _deep,
    "deep key": _deep_key,
    "holds itself": _itself,
    "claims of length": _claims,
    "long numbers": _long,
    "wide": _wide,
    "keys of one hash": _same_hash,
    "long keys": _long_keys,
    "code": _code,
    "NumPy's makers": _numpy,
    "odd tensors": _odd_tensor,
    "lying tensors": _lying_tensor,
    "any steps": _anything,
}


def nasty_pickle(random: Random, kind: str) -> bytes:
    """A pickle with such a part in it: alone, beside weights, as a weight, or inside of one."""
    part = PARTS[kind](random)
    weight = tensor(storage("Float", "0", 24), 0, [2, 3], [3, 1])
    whole = random.choice([
        lambda: part,
        lambda: table(a=weight, b=part),
        lambda: table(epoch=part, model=table(a=weight)),
        lambda: table(model=table(a=part)),
        lambda: call("torch._utils._rebuild_parameter", part, b"\x88", b"}"),
    ])()  # fmt: skip
    return b"\x80" + bytes([random.choice([2, 2, 2, 4])]) + whole + b"."
