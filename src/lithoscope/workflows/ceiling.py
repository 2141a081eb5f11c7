"""A model beside the best that any classifier could do, on the same simulated spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.ceiling import Ceiling, ceiling_by_counts
from lithoscope.inference.predict import logits_from_counts
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.synthesis.conditions import find_condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.model_spectra import distinct_physics

# Draws and templates come of generators of their own.
_DRAWS, _TEMPLATES = 4_000_037, 5_000_011
_TEMPLATE_BATCH = 4096
_MACHINES = 32


@dataclass(frozen=True)
class ModelBesideCeiling:
    """A model's accuracy at one count level and what bounds it, on the same spectra.

    Parameters
    ----------
    ceiling
        The ceiling or its bracket.
    network
        Share of the spectra that the model names right.
    """

    ceiling: Ceiling
    network: float


def model_beside_ceiling(
    checkpoint: Checkpoint,
    *,
    condition: str,
    levels: Sequence[float],
    spectra: int,
    templates: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[ModelBesideCeiling]:
    """Compute the ceiling for a model's classes, instruments and axis, and the model's accuracy.

    Parameters
    ----------
    checkpoint
        The model.
    condition
        Name of the condition, which needs counting noise.
    levels
        Total counts.
    spectra
        Spectra to be named at each level.
    templates
        Templates of each class.
    seed
        Seed of all that is drawn.
    progress
        Called with the number of templates done and in all.
    """
    named = find_condition(condition)
    if "poisson" not in named.severities:
        raise InvalidValueError(
            f"The condition '{condition}' has no counting noise.",
            expected="one with noise: without it every class that differs at all is named right",
        )
    library = load_library()
    instruments = distinct_physics([load_instrument(name) for name in checkpoint.instruments])

    def stream(own_seed: int, batch_size: int) -> SpectrumStream:
        return SpectrumStream(
            [library.get(name) for name in checkpoint.labels.members],
            checkpoint.labels,
            instruments,
            named,
            checkpoint.axis.edges_keV,
            batch_size=batch_size,
            seed=own_seed + seed,
            size=GenerationSize(_MACHINES, -(-batch_size // _MACHINES), _MACHINES),
        )

    return beside_ceiling(
        checkpoint,
        stream(_DRAWS, spectra),
        stream(_TEMPLATES, _TEMPLATE_BATCH),
        levels=levels,
        templates=templates,
        progress=progress,
    )


def beside_ceiling(
    checkpoint: Checkpoint,
    draws: SpectrumStream,
    others: SpectrumStream,
    *,
    levels: Sequence[float],
    templates: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[ModelBesideCeiling]:
    """Compute the ceiling, and the model's accuracy, for the first batch of a stream.

    Parameters
    ----------
    checkpoint
        The model.
    draws
        The spectra to be named.
    others
        The same generator with another seed, for templates.
    levels, templates, progress
        As for `model_beside_ceiling`.
    """
    ceilings = ceiling_by_counts(
        draws, others, levels=levels, templates_per_class=templates, progress=progress
    )
    return [
        ModelBesideCeiling(ceiling, _accuracy(checkpoint, draws.at(ceiling.counts)))
        for ceiling in ceilings
    ]


def _accuracy(checkpoint: Checkpoint, draws: SpectrumStream) -> float:
    batch = draws.batch(0)
    said = logits_from_counts(checkpoint, batch.counts).argmax(dim=1)
    return float(np.mean((said == batch.classes).numpy()))
