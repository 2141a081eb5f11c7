"""Fit a spatial network to maps whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.errors import InvalidValueError
from lithoscope.models.spatial import CHANNELS, SpatialNetwork, SpatialShape

NOT_COUNTED = -1
_CLIP = 1.0

Progress = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class SpatialExample:
    """A map and its truth.

    Parameters
    ----------
    maps
        What the network is shown, shape (class, channel, y, x), float16.
    guess
        Logarithm of the first guess, shape (class, y, x), float16.
    truth
        Place of each pixel's class, `NOT_COUNTED` where there is none among them, shape (y, x).
    """

    maps: NDArray[np.float16]
    guess: NDArray[np.float16]
    truth: NDArray[np.int64]

    def __post_init__(self) -> None:
        wanted = (self.guess.shape[0], CHANNELS, *self.truth.shape)
        if self.maps.shape != wanted or self.guess.shape[1:] != self.truth.shape:
            raise InvalidValueError(
                f"Maps of shape {self.maps.shape}, a guess of {self.guess.shape} and a truth of "
                f"{self.truth.shape}.",
                expected=f"(class, {CHANNELS}, y, x), (class, y, x) and (y, x)",
            )
        if self.truth.min() < NOT_COUNTED or self.truth.max() >= len(self.guess):
            raise InvalidValueError(
                f"True classes from {self.truth.min()} to {self.truth.max()}.",
                expected=f"{NOT_COUNTED} to {len(self.guess) - 1}",
            )


@dataclass(frozen=True)
class SpatialFit:
    """How a spatial network is fitted.

    Parameters
    ----------
    steps, crops
        Steps of the optimiser, and crops a step.
    side
        Side of a crop in pixels, a multiple of 4.
    classes
        Classes of a crop: those that are there, then the likeliest.
    learning_rate
        The highest, of one cycle.
    seed
        Of all that is drawn.
    """

    steps: int = 1000
    crops: int = 4
    side: int = 48
    classes: int = 8
    learning_rate: float = 3e-3
    seed: int = 0


def fit_spatial(
    shape: SpatialShape,
    examples: Sequence[SpatialExample],
    fit: SpatialFit,
    progress: Progress = lambda step, loss: None,
) -> SpatialNetwork:
    """Train a network by the cross-entropy of the true classes of pixels.

    Parameters
    ----------
    shape
        Of the network.
    examples
        Maps of `side` pixels or more; which one a crop is from is drawn evenly.
    fit
        How.
    progress
        Called after each step with its number and loss.

    Raises
    ------
    InvalidValueError
        If there is no example, or one is smaller than a crop.
    """
    if not examples or min(min(one.truth.shape) for one in examples) < fit.side:
        raise InvalidValueError(
            f"{len(examples)} maps to crop {fit.side} x {fit.side} pixels from.",
            expected="one or more, none of them smaller",
        )
    torch.manual_seed(fit.seed)
    rng = np.random.default_rng([fit.seed, 29])
    network = SpatialNetwork(shape)
    optimiser = torch.optim.AdamW(network.parameters(), fit.learning_rate, weight_decay=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, fit.learning_rate, total_steps=fit.steps, pct_start=0.1
    )
    for step in range(fit.steps):
        optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(fit.crops):
            example = examples[int(rng.integers(len(examples)))]
            loss = _loss(network, *drawn_crop(example, fit, rng)) / fit.crops
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        cycle.step()
        progress(step, total)
    return network.eval()


def drawn_crop(
    example: SpatialExample, fit: SpatialFit, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw a square of an example, turned and mirrored, with the classes that matter in it.

    Returns
    -------
    maps, guess, truth : Tensor
        Shape (1, class, channel, y, x), (1, class, y, x) and (1, y, x).
    """
    y, x = (int(rng.integers(size - fit.side + 1)) for size in example.truth.shape)
    part = (slice(y, y + fit.side), slice(x, x + fit.side))
    truth, guess = example.truth[part], example.guess[:, *part].astype(np.float32)
    present = np.unique(truth[truth != NOT_COUNTED])
    weight = np.exp(guess).sum(axis=(1, 2))
    weight[present] = np.inf
    chosen = np.sort(np.argsort(-weight, kind="stable")[: max(fit.classes, present.size)])
    places = np.full(len(guess) + 1, NOT_COUNTED)
    places[chosen] = np.arange(chosen.size)
    maps = example.maps[chosen][:, :, *part].astype(np.float32)
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    return (
        _turned(maps, turns, mirror)[None],
        _turned(guess[chosen], turns, mirror)[None],
        _turned(places[truth], turns, mirror)[None],
    )


def _turned(values: NDArray[np.generic], turns: int, mirror: bool) -> torch.Tensor:
    turned = np.rot90(values, turns, axes=(-2, -1))
    return torch.from_numpy(np.ascontiguousarray(turned[..., ::-1] if mirror else turned))


def _loss(
    network: SpatialNetwork, maps: torch.Tensor, guess: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    if not (truth != NOT_COUNTED).any():
        return 0.0 * network(maps, guess).sum()
    return torch.nn.functional.cross_entropy(network(maps, guess), truth, ignore_index=NOT_COUNTED)
