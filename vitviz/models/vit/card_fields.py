"""A Vision Transformer's fields of a model card's file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from vitviz.models.vit.config import Pool, Variants, ViTConfig
from vitviz.reading import Within, taken, wrong

Side = Annotated[float, Within(1, 1 << 14)]


@dataclass(frozen=True)
class _Fields(Variants):
    """A ViT's fields of a model card, as the file has them; see ``ViTConfig``.

    Args:
        mlp_ratio: Of the MLP's width to the token's, where ``mlp_width`` is not given.
        class_count: None: as many as the card's set of classes has.
        positioned_prefix: None: all of the prefix but registers.
        pool: None: CLS where there is one.
    """

    patch: Annotated[int, Within(1, 1 << 10)]
    width: Annotated[int, Within(1, 1 << 16)]
    depth: Annotated[int, Within(1, 1 << 10)]
    heads: Annotated[int, Within(1, 1 << 10)]
    input_size: tuple[Side, Side]
    mlp_ratio: Annotated[float, Within(0.01, 100)] = 4.0
    mlp_width: Annotated[int, Within(1, 1 << 20)] | None = None
    class_count: Annotated[int, Within(0, 1 << 20)] | None = None
    prefix_tokens: Annotated[tuple[Annotated[str, Within(0, 500)], ...], Within(0, 100)] = ("cls",)
    positioned_prefix: Annotated[int, Within(0, 100)] | None = None
    pool: Pool | None = None
    layer_norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-6


SAME = ("patch", "depth", "width", "heads", *(field.name for field in fields(Variants)))
"""Fields that a configuration and a card's file have alike."""

ALWAYS = ("patch", "depth", "width", "heads", "activation", "gated_mlp", "layer_scale",
          "norm_after_pool")  # fmt: skip
"""Those of them that a card's file has even where they are as usual."""


def read_config(values: dict[str, Any], classes: int) -> ViTConfig:
    """The network that a model card describes.

    Args:
        values: The card's fields, from anywhere; those of the network are taken out of it.
        classes: How many the network has, where no field says so.

    Raises:
        ValueError: A field is missing, of another type or out of range, or there is no such
            network.
    """
    given = taken(_Fields, values)
    height, width = given.input_size
    if height % 1 or width % 1:
        raise wrong("input_size", "a height and a width in whole pixels", (height, width))
    prefix = given.prefix_tokens
    positioned = sum(not name.startswith("reg") for name in prefix)
    try:
        return ViTConfig(
            **{name: getattr(given, name) for name in SAME},
            mlp_width=_or(given.mlp_width, max(1, round(given.width * given.mlp_ratio))),
            input_size=(int(height), int(width)),
            classes=0 if given.projection else _or(given.class_count, classes),
            prefix=prefix,
            positioned_prefix=_or(
                given.positioned_prefix, positioned if given.embedded_positions else 0
            ),
            pool=given.pool or ("cls" if "cls" in prefix else "mean"),
            norm_eps=given.layer_norm_eps,
        )
    except ValueError as error:
        raise ValueError(f"it does not describe a network ({error})") from error


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def config_fields(config: ViTConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    usual = {field.name: field.default for field in fields(ViTConfig)}
    same = {name: getattr(config, name) for name in SAME}
    for name in ("rope", "text"):
        part = getattr(config, name)
        same[name] = asdict(part) if part else None
    return {
        "input_size": config.input_size,
        **{name: value for name, value in same.items() if name in ALWAYS or value != usual[name]},
        "mlp_width": config.mlp_width,
        "prefix_tokens": config.prefix,
        "positioned_prefix": config.positioned_prefix,
        "pool": config.pool,
        "layer_norm_eps": config.norm_eps,
        "class_count": config.classes,
    }
