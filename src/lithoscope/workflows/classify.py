"""From single spectra to minerals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lithoscope.core.labels import VOID
from lithoscope.core.spectrum import Spectrum
from lithoscope.inference.predict import Predictor
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import DEFAULT_MODEL, Checkpoint, find_checkpoint
from lithoscope.workflows.choose_instrument import choose_instrument
from lithoscope.workflows.explain_spectrum import explained


def classify_spectra(
    spectra: Sequence[Spectrum],
    *,
    model: str | Checkpoint = DEFAULT_MODEL,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    top: int = 3,
) -> list[dict[str, Any]]:
    """Classify spectra one by one.

    Parameters
    ----------
    spectra
        Measured spectra.
    model, minerals, instrument
        As for `map_minerals`.
    top
        How many of the most probable groups to list.

    Returns
    -------
    list of dict
        For each spectrum `index`, `mineral` (``None`` with too few counts), `members`,
        `probability`, `unknown`, `ood_score`, `counts`, `top`, `warnings`, and what
        `explained` gives.
    """
    checkpoint = find_checkpoint(model) if isinstance(model, str) else model
    names = None if minerals is None else [load_library().get(name).name for name in minerals]
    results = []
    for index, spectrum in enumerate(spectra):
        predictor = Predictor(checkpoint, spectrum.axis, names)
        said = predictor(spectrum.counts[None, :])
        choice = choose_instrument(
            option=instrument,
            header=spectrum.instrument,
            checkpoint=checkpoint,
            counts=spectrum.counts,
            axis=spectrum.axis,
        )
        ranked = _ranked(checkpoint, said.probabilities[0], min(top, len(predictor.allowed)))
        void = int(said.classes[0]) == VOID
        order = np.argsort(-said.probabilities[0])[: 0 if void else len(predictor.allowed)]
        results.append(
            {
                "index": index,
                "mineral": None if void else ranked[0]["mineral"],
                "members": [] if void else ranked[0]["members"],
                "probability": 0.0 if void else ranked[0]["probability"],
                "unknown": bool(said.unknown[0]),
                "ood_score": float(said.ood_score[0]),
                "counts": float(said.counts[0]),
                "top": [] if void else ranked,
                "warnings": choice.warnings_for(checkpoint),
                **explained(
                    predictor.binned(spectrum.counts[None, :])[0],
                    order.tolist(),
                    checkpoint=checkpoint,
                    choice=choice,
                    axis=spectrum.axis,
                ),
            }
        )
    return results


def _ranked(checkpoint: Checkpoint, probabilities: np.ndarray, top: int) -> list[dict[str, Any]]:
    groups = checkpoint.labels.groups
    return [
        {
            "mineral": groups[index].label,
            "members": list(groups[index].members),
            "probability": float(probabilities[index]),
        }
        for index in np.argsort(-probabilities)[:top]
    ]
