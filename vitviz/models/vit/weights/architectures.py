"""What timm's names for architectures tell, that neither shapes nor arguments do.

Source: timm 1.0 ``vision_transformer.py`` and ``eva.py``, the registered models.
"""

from __future__ import annotations

import re
from typing import Any

from vitviz.models.checkpoints.said import Said

BY_NAME: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"beit3_", {"norm_eps": 1e-5}),
    (r"vit_base_patch16_gap_", {"heads": 16}),
    (r"test_vit[34]", {"heads": 3}),
    (r"test_vit", {"heads": 2}),
    (r".*_quickgelu_", {"activation": "quick_gelu"}),
    (r"vit_(base_patch32|so400m_patch16|giantopt_patch16)_siglip_", {"activation": "gelu_tanh"}),
    (r"vit_large_patch16_siglip_(gap_)?512", {"activation": "gelu_tanh"}),
    (r".*_siglip_", {"activation": "gelu"}),
    (r"vit_wee_", {"heads": 4}),
    (r"vit_little_", {"heads": 5}),
    (r"vit_pwee_", {"heads": 4}),
    (r"vit_so150m2_", {"heads": 13}),
    (r"vit_so150m_", {"heads": 14}),
    (r"vit_huge_patch14_", {"heads": 16}),
    (r"vit_giant_patch1[46]_(.*dinov2|.*tipsv2|radio)", {"heads": 24}),
    (r"vit_(giant|gigantic)_patch14_", {"heads": 16}),
)
"""The first that matches an architecture from its start."""


def by_name(said: Said) -> dict[str, Any]:
    """Fields of the configuration that an architecture's name tells; the network's own, not only
    its arguments': whoever gives arguments says what is different.
    """
    if said.kind not in ("timm", "training"):
        return {}
    name = said.architecture.partition(".")[0]
    for pattern, fields in BY_NAME:
        if re.match(pattern, name):
            return dict(fields)
    return {}
