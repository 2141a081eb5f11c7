"""From single spectra to minerals."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lithoscope.core.labels import VOID
from lithoscope.core.spectrum import Spectrum
from lithoscope.errors import CheckpointError
from lithoscope.inference.answer import (
    ANSWER_PROBABILITY,
    TOO_FEW_COUNTS,
    VOID_ANSWER,
    AnswerTree,
    answer_from_probabilities,
    tree_of_labels,
)
from lithoscope.inference.calibration import prediction_sets
from lithoscope.inference.predict import Predictions, Predictor
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.workflows.choose_instrument import choose_instrument
from lithoscope.workflows.choose_model import AUTO, model_for, model_meant
from lithoscope.workflows.explain_spectrum import explained


class Classified(list[dict[str, Any]]):
    """What is said of spectra, a dictionary each, as `classify_spectra` describes it."""

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        from lithoscope.workflows.notebook import html_of_classified

        return html_of_classified(self)


def classify_spectra(
    spectra: Sequence[Spectrum],
    *,
    model: str | Checkpoint = AUTO,
    minerals: Sequence[str] | None = None,
    instrument: str | None = None,
    top: int = 3,
    coverage: float | None = None,
    answer_probability: float = ANSWER_PROBABILITY,
    progress: Callable[[int, int], None] = lambda done, total: None,
    false_alarms: float | None = None,
) -> Classified:
    """Classify spectra one by one.

    Parameters
    ----------
    spectra
        Measured spectra.
    model, minerals, instrument
        As for `map_minerals`.
    top
        How many of the most probable groups to list.
    coverage
        Share of sets of groups that are to hold the truth; no sets are given when left out.
    answer_probability
        What the finest answer's summed probability must reach, 0.5 to 1.
    progress
        Called with spectra done and spectra in all.
    false_alarms
        Share of known spectra that may be called unknown; the model's, 0.01, when left out.

    Returns
    -------
    Classified
        A list that notebooks show as a table; for each spectrum `index`, `mineral` (``None``
        with too few counts), `members`,
        `probability`, `answer` (`label`, `members`, `level`, `probability`), `unknown`,
        `ood_score`, `counts`, `top`, `warnings`, what `explained` gives, and with a coverage
        `coverage_set` (labels, most probable first; none with too few counts) and `coverage`.

    Raises
    ------
    CheckpointError
        If a coverage is asked of a model that has no conformal thresholds.
    """
    names = None if minerals is None else [load_library().get(name).name for name in minerals]
    # A file's spectra share their axis and model as a rule; both take longer to make than to apply.
    loaded = functools.cache(lambda meant: model_for(meant, option=None, header=None))
    tree_of = functools.cache(lambda one: tree_of_labels(one.labels, load_library()))
    predictor_on = functools.cache(
        lambda one, axis: Predictor(one, axis, names, false_alarms=false_alarms)
    )
    results = Classified()
    for index, spectrum in enumerate(spectra):
        checkpoint = loaded(model_meant(model, option=instrument, header=spectrum.instrument))
        predictor = predictor_on(checkpoint, spectrum.axis)
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
                "answer": _answer(said, predictor, tree_of(checkpoint), answer_probability),
                **_coverage_set(checkpoint, said, coverage, void),
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
        progress(index + 1, len(spectra))
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


def _answer(
    said: Predictions, predictor: Predictor, tree: AnswerTree, least: float
) -> dict[str, Any]:
    if int(said.classes[0]) == VOID:
        answer = TOO_FEW_COUNTS if said.counts[0] > 0 else VOID_ANSWER
    else:
        answer = answer_from_probabilities(
            said.probabilities[0], tree, allowed=predictor.allowed, least=least
        )
    return {**dataclasses.asdict(answer), "members": list(answer.members)}


def _coverage_set(
    checkpoint: Checkpoint, said: Predictions, coverage: float | None, void: bool
) -> dict[str, Any]:
    if coverage is None:
        return {}
    if checkpoint.conformal is None:
        raise CheckpointError(
            f"The model '{checkpoint.name}' has no thresholds for --coverage.",
            expected="a model that `lithoscope train` made of simulated spectra; finetuned ones, "
            "those of a data set and older ones have none",
            remedy="leave --coverage out, or choose another model with --model",
        )
    chosen = prediction_sets(
        conformal=checkpoint.conformal,
        probabilities=said.probabilities,
        counts=said.counts,
        coverage=coverage,
    )[0]
    order = np.argsort(-said.probabilities[0], kind="stable")
    labels = [checkpoint.labels.labels[place] for place in order if chosen[place] and not void]
    return {"coverage": coverage, "coverage_set": labels}
