"""What training needs of a family of networks (see ``Family.training``)."""

from __future__ import annotations

from typing import Protocol


class Training(Protocol):
    """How networks of a family are changed and told apart for training."""
