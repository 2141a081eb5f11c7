"""The networks that can be trained, by the name users give."""

from __future__ import annotations

from torch import nn

from lithoscope.errors import CheckpointError
from lithoscope.models.cnn import Cnn

NETWORKS: dict[str, type[nn.Module]] = {"cnn": Cnn}


def build_network(name: str, *, n_bins: int, n_classes: int) -> nn.Module:
    """Make an untrained network.

    Raises
    ------
    CheckpointError
        If no network has this name.
    """
    if name not in NETWORKS:
        raise CheckpointError(
            f"There is no network '{name}'.", expected=f"one of {', '.join(NETWORKS)}"
        )
    return NETWORKS[name](n_bins, n_classes)
