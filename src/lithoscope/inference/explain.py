"""Which bins of a spectrum spoke for its class: integrated gradients and attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import InvalidValueError
from lithoscope.inference.predict import Predictor
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.attention import AttendingNetwork, attention_over_bins

# Points on the way from nothing to the spectrum, by Gauss-Legendre quadrature.
_STEPS = 128


@dataclass(frozen=True, eq=False)
class Explanation:
    """What spoke for the class of one spectrum.

    Parameters
    ----------
    label
        The class.
    edges_keV
        Edges of the model's bins, shape (bin + 1,).
    attributions
        What each bin added to the log-odds of the class, shape (bin,).
    log_odds
        ``ln(p / (1 - p))`` of the class for the spectrum.
    log_odds_of_nothing
        The same for a spectrum with nothing in any bin.
    attention
        Share of the network's attention on each bin, shape (bin,); ``None`` where it has none.
    """

    label: str
    edges_keV: NDArray[np.float64]
    attributions: NDArray[np.float64]
    log_odds: float
    log_odds_of_nothing: float
    attention: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        bins = (self.edges_keV.size - 1,)
        if self.attributions.shape != bins or (
            self.attention is not None and self.attention.shape != bins
        ):
            raise InvalidValueError(
                f"{self.attributions.shape} attributions for {bins[0]} bins.",
                expected="one a bin",
            )


def explain_spectrum(
    checkpoint: Checkpoint,
    axis: EnergyAxis,
    counts: NDArray[np.generic],
    *,
    minerals: Sequence[str] | None = None,
) -> Explanation:
    """Explain the most probable class of one spectrum.

    Integrated gradients (Sundararajan et al. 2017, ICML, equation 1) of the log-odds
    ``F = ln(p / (1 - p))`` along the straight line from inputs of zero, a spectrum with nothing in
    any bin, to the network's inputs x: ``IG_i = x_i int_0^1 dF/dx_i (a x) da``, summed over the
    inputs of a bin. They add up to ``F(x) - F(0)`` (completeness). The total that the network is
    told is held. An empty bin gets nothing: that potassium is absent may have decided, and does not
    show.

    Parameters
    ----------
    checkpoint
        The model.
    axis
        Energy axis of the spectrum.
    counts
        Shape (channel,).
    minerals
        Minerals to choose among; all of the model's when left out.

    Raises
    ------
    InvalidValueError
        If the model's preprocessing leaves no energies (PCA scores, codes), or there are too few
        counts to name anything.
    """
    edges = checkpoint.bound_chain.leaves.edges_keV
    if edges is None:
        raise InvalidValueError(
            f"The model '{checkpoint.name}' sees scores that have no energies.",
            expected="a model that sees a spectrum",
            remedy="choose another with --model",
        )
    predictor = Predictor(checkpoint, axis, minerals)
    binned = torch.from_numpy(predictor.binned(counts[None, :]))
    total, (least, most) = float(binned.sum()), checkpoint.condition.counts
    if total < least:
        raise InvalidValueError(
            f"The spectrum has {total:,.0f} counts, too few to name a mineral.",
            expected=f"{least:,.0f} or more",
        )
    scaled = binned * min(1.0, most / total)
    spectra, log_total = network_inputs(scaled, checkpoint.bound_chain)
    allowed = list(predictor.allowed)
    with torch.no_grad():
        scores = checkpoint.network(spectra, log_total)[:, allowed]
    best = int(scores.argmax())

    def log_odds(inputs: Tensor) -> Tensor:
        logits = checkpoint.network(inputs, log_total.expand(len(inputs), 1))[:, allowed]
        return log_odds_from_logits(logits, best)

    attributions = integrated_gradients(log_odds, spectra[0]).sum(dim=0)
    with torch.no_grad():
        ends = log_odds(torch.stack([spectra[0], torch.zeros_like(spectra[0])]))
    return Explanation(
        label=checkpoint.labels.labels[allowed[best]],
        edges_keV=edges,
        attributions=attributions.numpy().astype(np.float64),
        log_odds=float(ends[0]),
        log_odds_of_nothing=float(ends[1]),
        attention=_attention(checkpoint, spectra),
    )


def log_odds_from_logits(logits: Tensor, chosen: int) -> Tensor:
    """``ln(p / (1 - p)) = logit_c - ln sum_{k != c} exp(logit_k)``, shape (batch,).

    Of a single class, whose odds are infinite, the logit itself.
    """
    others = torch.cat([logits[:, :chosen], logits[:, chosen + 1 :]], dim=1)
    own = logits[:, chosen]
    return own - torch.logsumexp(others, dim=1) if others.shape[1] else own


def integrated_gradients(
    function: Callable[[Tensor], Tensor], inputs: Tensor, *, steps: int = _STEPS
) -> Tensor:
    """Integrate gradients along the line from zero to the inputs.

    Parameters
    ----------
    function
        From a batch of inputs to a value each, differentiable.
    inputs
        Of one spectrum, any shape.
    steps
        Points of the quadrature.

    Returns
    -------
    Tensor, shape of `inputs`
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(inputs, dtype=torch.float64)
    for place, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        point = (inputs * float(place))[None].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(function(point).sum(), point)
        total += float(weight) * gradient[0].double()
    return total * inputs.double()


def _attention(checkpoint: Checkpoint, spectra: Tensor) -> NDArray[np.float64] | None:
    network = checkpoint.network
    if not isinstance(network, AttendingNetwork):
        return None
    with torch.no_grad():
        shares = attention_over_bins(
            network.attention(spectra),
            n_bins=spectra.shape[2],
            bins_per_position=network.bins_per_position,
        )
    return np.asarray(shares[0].numpy(), dtype=np.float64)
