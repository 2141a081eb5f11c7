"""What a trained network's last layer sees, for learners that take over from there."""

from __future__ import annotations

import numpy as np
import torch

from lithoscope.models.baselines.base import FloatArray
from lithoscope.models.baselines.learners import View
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.preprocess.chain import BoundChain

_CHUNK = 512


def features_of_network(network: SpectralNetwork, chain: BoundChain | None = None) -> View:
    """View counts through a trained network without its head, shape (spectrum, feature).

    Boosting on the features of a recurrent network takes the place of its linear head (as CNN-LSTM
    and boosted trees are joined for spectra elsewhere).

    Parameters
    ----------
    network
        A trained network; with a recurrent layer for the baseline of that name.
    chain
        Its preprocessing; the default chain when left out.
    """

    def view(counts: FloatArray) -> FloatArray:
        given = torch.from_numpy(np.ascontiguousarray(counts, dtype=np.float32))
        network.eval()
        with torch.inference_mode():
            pieces = [
                network.features(*network_inputs(chunk, chain)) for chunk in given.split(_CHUNK)
            ]
        return np.asarray(torch.cat(pieces).numpy())

    return view
