"""The networks that can be trained, by the name users give."""

from __future__ import annotations

from dataclasses import dataclass

from lithoscope.errors import CheckpointError, nearest_names
from lithoscope.models.networks.base import SpectralNetwork
from lithoscope.models.networks.cnn import Cnn, LargeCnn, WideCnn
from lithoscope.models.networks.cnn_attention import CnnAttention
from lithoscope.models.networks.cnn_bigru_attention import CnnBiGruAttention
from lithoscope.models.networks.cnn_bilstm import CnnBiLstm
from lithoscope.models.networks.cnn_se import CnnSqueezeExcitation
from lithoscope.models.networks.inception import Inception
from lithoscope.models.networks.mlp import Mlp
from lithoscope.models.networks.physics_autoencoder import PhysicsAutoencoder
from lithoscope.models.networks.transformer import Transformer
from lithoscope.models.networks.transformer_lstm import TransformerLstm


@dataclass(frozen=True)
class NetworkEntry:
    """A network that can be trained.

    Parameters
    ----------
    network
        Its class.
    summary
        What it is, in a line.
    source
        Where it comes from.
    takes
        Which inputs it accepts.
    """

    network: type[SpectralNetwork]
    summary: str
    source: str
    takes: str = "8 or more bins, channels or codes"


NETWORKS: dict[str, NetworkEntry] = {
    "cnn": NetworkEntry(Cnn, "four strided convolutions, a dense layer; the control", "ours"),
    "cnn-wide": NetworkEntry(WideCnn, "the control at the cost of cnn-attention", "ours"),
    "cnn-large": NetworkEntry(LargeCnn, "the control with more filters; the shipped one", "ours"),
    "cnn-attention": NetworkEntry(
        CnnAttention,
        "the control with self-attention over positions",
        "Vaswani et al. 2017; Zhang et al. 2024",
    ),
    "cnn-se": NetworkEntry(
        CnnSqueezeExcitation,
        "the control with squeeze-and-excitation",
        "Hu et al. 2018; Yang et al. 2024",
    ),
    "cnn-bilstm": NetworkEntry(
        CnnBiLstm, "the control's convolutions, a bidirectional LSTM", "Zhao et al. 2020"
    ),
    "cnn-bigru-attention": NetworkEntry(
        CnnBiGruAttention,
        "convolutions, a bidirectional GRU, attention over it",
        "Yuan et al. 2022",
    ),
    "inception": NetworkEntry(
        Inception, "convolutions of several widths side by side", "Zhang et al. 2019 (DeepSpectra)"
    ),
    "transformer": NetworkEntry(
        Transformer, "patches of the spectrum, two transformer blocks", "Dosovitskiy et al. 2021"
    ),
    "transformer-lstm": NetworkEntry(
        TransformerLstm, "patches, a transformer block, an LSTM", "Fang et al. 2024"
    ),
    "mlp": NetworkEntry(
        Mlp,
        "dense layers alone, no neighbourhood",
        "Rumelhart et al. 1986",
        "any number of bins, channels or codes",
    ),
    "physics-autoencoder": NetworkEntry(
        PhysicsAutoencoder,
        "reads mass fractions, held to a physical decoder",
        "Dirks and Poole 2023",
        "the 466 bins of the model axis, or 4096 channels",
    ),
}


def build_network(name: str, *, n_inputs: int = 2, n_bins: int, n_classes: int) -> SpectralNetwork:
    """Make an untrained network.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    n_inputs, n_bins, n_classes
        Inputs a bin, bins (channels, codes) and classes.

    Raises
    ------
    CheckpointError
        If no network has this name.
    InvalidValueError
        If the network cannot work on so many bins.
    """
    if name not in NETWORKS:
        near = nearest_names(name, NETWORKS)
        raise CheckpointError(
            f"There is no network '{name}'.",
            expected=f"one of {', '.join(NETWORKS)}",
            remedy=f"did you mean {' or '.join(near)}?" if near else "see `lithoscope models`",
        )
    return NETWORKS[name].network(n_inputs, n_bins, n_classes)
