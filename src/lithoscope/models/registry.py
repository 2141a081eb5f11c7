"""The networks that can be trained, by the name users give."""

from __future__ import annotations

from torch import nn

from lithoscope.errors import CheckpointError
from lithoscope.models.cnn import Cnn
from lithoscope.preprocess.network_inputs import N_INPUTS

NETWORKS: dict[str, type[nn.Module]] = {"cnn": Cnn}


def build_network(name: str, *, n_bins: int, n_classes: int, n_inputs: int = N_INPUTS) -> nn.Module:
    """Make an untrained network for inputs of shape (batch, n_inputs, n_bins).

    Raises
    ------
    CheckpointError
        If no network has this name.
    """
    if name not in NETWORKS:
        raise CheckpointError(
            f"There is no network '{name}'.", expected=f"one of {', '.join(NETWORKS)}"
        )
    return NETWORKS[name](n_bins, n_classes, n_inputs=n_inputs)
