"""What the names in a pickle by torch.save stand for, as descriptions that hold no memory.

Names that are not here are code. A tensor is checked against its storage where it is described:
there is no ``TensorView`` that reaches beyond the numbers its storage claims to have.

Source: ``_weights_only_unpickler.py`` and ``_utils.py`` of torch 2.14, whose list of safe names
this is, and what the training scripts of DeiT, DINO, MAE and timm add.
"""

from __future__ import annotations

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from vitviz.models.checkpoints.pickle_reader import (
    Attributes,
    BadPickle,
    Constructor,
    Items,
    StandIn,
    Table,
    check_key,
    describe,
)

MOST_DIMENSIONS = 16
"""Of a tensor; a weight has 5 at most."""

LARGEST = (1 << 63) - 1
"""What torch can count."""

PLAIN = tuple(
    getattr(torch, name)
    for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
        "bool", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
        "float8_e5m2fnuz",
    )
)  # fmt: skip
"""Numbers of whole bytes, one after another."""


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """Numbers that lie one after another in the file.

    Args:
        key: Under which the file has the whole that they are part of.
        dtype: Of each.
        whole: How many that whole has.
        start: The first of them in it.
        count: How many.
    """

    key: str
    dtype: torch.dtype
    whole: int
    start: int
    count: int

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers."""
        return self.count * self.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class TensorView:
    """Which numbers of a storage a tensor shows; all of them are in it.

    Args:
        storage: Theirs.
        dtype: What the storage's bytes are read as.
        offset: Of the first in the storage, in numbers of this type.
        size: One for each dimension.
        stride: Numbers from one to the next, for each dimension.
    """

    storage: Storage
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """Numbers it shows, some perhaps more than once."""
        return prod(self.size)

    @property
    def nbytes(self) -> int:
        """Bytes of what it shows."""
        return self.count * self.dtype.itemsize


class OddTensor(StandIn):
    """A tensor that is no plain array of numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class StorageType:
    """A class of storages."""

    dtype: torch.dtype


def known(name: str) -> Any:
    """What a global name stands for; None for what is not data.

    Args:
        name: "torch._utils._rebuild_tensor_v2"; names of Python 2 are understood.
    """
    module, _, last = name.rpartition(".")
    module, last = NAME_MAPPING.get((module, last), (IMPORT_MAPPING.get(module, module), last))
    return _KNOWN.get(f"{module}.{last}")


def known_in_torchscript(name: str) -> Any:
    """The same in a TorchScript archive, whose modules are data: their code lies beside it."""
    module = name.rpartition(".")[0]
    if module == "__torch__" or module.startswith("__torch__."):
        return Constructor(name, lambda _: Attributes())
    if module == "torch.jit._pickle":
        return Constructor(name, _list_of_torchscript)
    return known(name)


def _list_of_torchscript(given: list[Any]) -> Items:
    match given:
        case [Items() as values, *_]:
            return Items("list", values.values, values.depth)
    return Items("list", [])


def plain_storage(identity: Any) -> Storage | StandIn:
    """What a persistent id stands for: a storage, or in old files a class with its source.

    Args:
        identity: ("storage", type, key, device, count), in old files with (key, start, count) of
            a part, or None, behind.

    Raises:
        BadPickle: It is something else, or the part is not in the whole.
    """
    given = identity.values if isinstance(identity, Items) else []
    match given if len(given) <= 6 else []:
        case ["module", *_]:
            return StandIn("class")
        case ["storage", StorageType() as kind, str() as key, _, int() as count, *more]:
            check_key(key)
            start, part = 0, count
            if more and isinstance(more[0], Items):
                _, start, part = _integers(more[0], 3, skip=1)
            _within(start, part, count, "a part of a storage")
            return Storage(key, kind.dtype, count, start, part)
    raise BadPickle("it refers to something outside that is no storage")


def _within(start: int, part: int, whole: int, what: str) -> None:
    if not (0 <= start <= LARGEST and part >= 0 and start + part <= whole <= LARGEST):
        raise BadPickle(f"{what} lies outside of what there is")


def _integers(items: Any, count: int | None = None, skip: int = 0) -> tuple[int, ...]:
    """The whole numbers of a tuple; the first ``skip`` become 0, whatever they are."""
    values = items.values if isinstance(items, Items) else None
    if values is None or len(values) > MOST_DIMENSIONS or count not in (None, len(values)):
        raise BadPickle("a tensor's size is no short tuple of numbers")
    values = [0] * skip + values[skip:]
    if any(type(value) is not int or not 0 <= value <= LARGEST for value in values):
        raise BadPickle("a tensor's size is negative, far too large or no number")
    return tuple(values)


def _view(given: list[Any], dtype: torch.dtype | None = None) -> TensorView | OddTensor:
    """Storage, offset, size and stride as a tensor, checked against each other."""
    match given[:4]:
        case [Storage() as storage, int() as offset, size, stride]:
            return _checked(storage, dtype or storage.dtype, offset, size, stride)
    raise BadPickle("a tensor is not made of a storage")


def _checked(
    storage: Storage, dtype: torch.dtype, offset: int, size: Any, stride: Any
) -> TensorView | OddTensor:
    sizes = _integers(size)
    strides = _integers(stride, len(sizes))
    if dtype not in PLAIN or storage.dtype not in PLAIN:
        return OddTensor(f"tensor of {str(dtype).removeprefix('torch.')}")
    there = storage.count * storage.dtype.itemsize // dtype.itemsize
    if prod(max(n, 1) for n in sizes) > LARGEST:
        raise BadPickle("a tensor's size is far too large")
    if all(sizes):
        last = sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        _within(offset, last + 1, there, "a tensor")
    else:
        _within(offset, 0, LARGEST, "a tensor")
    return TensorView(storage, dtype, offset, sizes, strides)


def _tensor_2(given: list[Any]) -> TensorView | OddTensor:
    return _with_metadata(_view(given), given[6:])


def _tensor_3(given: list[Any]) -> TensorView | OddTensor:
    if len(given) < 7 or not isinstance(given[6], torch.dtype):
        raise BadPickle("a tensor has no type of numbers")
    return _with_metadata(_view(given, given[6]), given[7:])


def _with_metadata(tensor: TensorView | OddTensor, metadata: list[Any]) -> TensorView | OddTensor:
    # Conjugate and negative bits: its numbers are not those in the storage.
    if metadata and isinstance(metadata[0], Table) and metadata[0].pairs:
        return OddTensor("conjugated or negated tensor")
    return tensor


def _first(given: list[Any]) -> Any:
    """A parameter is its tensor."""
    if not given or not isinstance(given[0], TensorView | OddTensor):
        raise BadPickle("a parameter has no tensor")
    return given[0]


def _moved(given: list[Any]) -> Any:
    """A tensor of another device, by way of the CPU."""
    tensor = _first(given)
    same = isinstance(tensor, TensorView) and given[1:2] == [tensor.dtype]
    return tensor if same else OddTensor("tensor of another device")


def _with_type(given: list[Any]) -> Any:
    """A tensor with attributes of its own: how to make it, its class, with what, attributes."""
    match given:
        case [Constructor() as function, Constructor(), Items() as arguments, *_]:
            return function.make(arguments.values)
    raise BadPickle("a tensor is not made by a function")


def _dictionary(given: list[Any]) -> Table:
    """Of nothing, of pairs as Python 2 wrote them, or a copy."""
    table = Table()
    match given:
        case [Table() as other]:
            table = Table(list(other.pairs), other.depth)
        case [Items() as pairs] if all(isinstance(pair, Items) for pair in pairs.values):
            for pair in pairs.values:
                if len(pair.values) != 2:
                    raise BadPickle("a dictionary is not made of pairs")
                check_key(pair.values[0])
            table = Table([(p.values[0], p.values[1]) for p in pairs.values], pairs.depth)
        case [_, *_]:
            raise BadPickle(f"a dictionary is made of {describe(given[0])}")
    return table


def _size(given: list[Any]) -> Items:
    match given:
        case [Items() as values]:
            return Items("tuple", values.values, values.depth)
    raise BadPickle("a size is not made of numbers")


def _odd(kind: str) -> Callable[[list[Any]], OddTensor]:
    return lambda _: OddTensor(kind)


def _stand_in(kind: str) -> Callable[[list[Any]], StandIn]:
    return lambda _: StandIn(kind)


_TENSORS: dict[str, Callable[[list[Any]], Any]] = {
    "torch._utils._rebuild_tensor": _view,
    "torch._utils._rebuild_tensor_v2": _tensor_2,
    "torch._utils._rebuild_tensor_v3": _tensor_3,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _moved,
    "torch._utils._rebuild_device_tensor_from_numpy": _odd("tensor of NumPy"),
    "torch._utils._rebuild_sparse_tensor": _odd("sparse tensor"),
    "torch._utils._rebuild_nested_tensor": _odd("nested tensor"),
    "torch._utils._rebuild_qtensor": _odd("quantised tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _odd("tensor without numbers (meta)"),
    "torch._utils._rebuild_wrapper_subclass": _odd("tensor of another class"),
    "torch._tensor._rebuild_from_type_v2": _with_type,
    "torch.nn.parameter.Parameter": _first,
}

_DATA: dict[str, Callable[[list[Any]], Any]] = {
    "collections.OrderedDict": _dictionary,
    "collections.Counter": _dictionary,
    "torch.Size": _size,
    **dict.fromkeys(("argparse.Namespace", "types.SimpleNamespace"), lambda _: Attributes()),
    **{
        f"{module}.AttributeDict": _dictionary
        for module in (
            "pytorch_lightning.utilities.parsing", "lightning.pytorch.utilities.parsing",
            "lightning.fabric.utilities.data", "lightning_fabric.utilities.data",
        )
    },
    **{
        name: _stand_in(name.rpartition(".")[2])
        for name in (
            "torch.device", "torch.serialization._get_layout",
            "_codecs.encode", "builtins.bytearray", "builtins.set", "builtins.complex",
            "numpy.dtype", "numpy.ndarray",
            *(f"numpy.{core}.multiarray.{maker}" for core in ("core", "_core")
              for maker in ("scalar", "_reconstruct")),
            *(f"numpy.dtypes.{kind}DType" for kind in (
                "Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "Float16", "Float32",
                "Float64")),
            *(f"{module}.{system}Path" for module in ("pathlib", "pathlib._local")
              for system in ("Posix", "Windows", "PurePosix", "PureWindows")),
        )
    },
}  # fmt: skip
"""What training scripts add to weights: nothing of it is looked at."""


_NUMBERS = {
    "Double": torch.float64, "Float": torch.float32, "Half": torch.float16,
    "BFloat16": torch.bfloat16, "Long": torch.int64, "Int": torch.int32, "Short": torch.int16,
    "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool, "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128, "QInt8": torch.qint8, "QUInt8": torch.quint8,
    "QInt32": torch.qint32, "QUInt4x2": torch.quint4x2, "QUInt2x4": torch.quint2x4,
    "Untyped": torch.uint8,
}  # fmt: skip
"""What is in a storage, by the first part of its class's name."""


def _old_tensors() -> dict[str, Constructor]:
    kinds = [f"torch.{place}{kind}Tensor" for kind in _NUMBERS for place in ("", "cuda.")]
    make = _odd("tensor as PyTorch wrote it before 0.2")
    return {name: Constructor(name, make) for name in ("torch.Tensor", *kinds)}


def _storage_types() -> dict[str, StorageType]:
    return {
        f"torch.{place}{kind}Storage": StorageType(dtype)
        for kind, dtype in _NUMBERS.items()
        for place in ("", "cuda.", "storage.")
    }


def _known() -> dict[str, Any]:
    constructors = {name: Constructor(name, make) for name, make in (_TENSORS | _DATA).items()}
    dtypes = {str(v): v for v in vars(torch).values() if isinstance(v, torch.dtype)}
    schemes = {
        f"torch.per_{kind}": StandIn("scheme")
        for kind in (
            "tensor_affine", "tensor_symmetric", "channel_affine", "channel_symmetric",
            "channel_affine_float_qparams",
        )
    }  # fmt: skip
    name = "_rebuild_from_type_v2"
    moved = {f"torch.tensor.{name}": constructors[f"torch._tensor.{name}"]}
    return constructors | dtypes | schemes | moved | _storage_types() | _old_tensors()


_KNOWN = _known()
