"""Parts of a checkpoint as the plain values that ``model.json`` holds, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lithoscope.models.checkpoint_parts import Checkpoint, UnknownThreshold
from lithoscope.models.confidence import ConformalThresholds, Temperature
from lithoscope.synthesis.conditions import Condition


def threshold_from_data(values: Mapping[str, Any]) -> UnknownThreshold:
    """Return thresholds of the energy from their plain values."""
    return UnknownThreshold(
        counts=tuple(values["counts"]),
        scores=tuple(tuple(row) for row in values["scores"]),
        false_alarms=values["false_alarms"],
    )


def calibration_as_data(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return temperature and conformal thresholds, where there are any, as plain values."""
    data = {"temperature": dataclasses.asdict(checkpoint.temperature)}
    if checkpoint.conformal is not None:
        data["conformal"] = dataclasses.asdict(checkpoint.conformal)
    return data


def temperature_from_data(description: Mapping[str, Any]) -> Temperature:
    """Return the temperature from a model's description."""
    # Models saved before there was a calibration have none: their logits are taken as they are.
    return Temperature(**_tuples(description.get("temperature", {})))


def conformal_from_data(description: Mapping[str, Any]) -> ConformalThresholds | None:
    """Return the conformal thresholds from a model's description."""
    values = description.get("conformal")
    if values is None:
        return None
    rows = tuple(tuple(row) for row in values["probabilities"])
    return ConformalThresholds(**{**_tuples(values), "probabilities": rows})


def condition_as_data(condition: Condition) -> dict[str, Any]:
    """Return a condition as plain values."""
    return {
        "name": condition.name,
        "severities": dict(condition.severities),
        "counts": list(condition.counts),
    }


def condition_from_data(values: Mapping[str, Any]) -> Condition:
    """Return a condition from its plain values."""
    return Condition(**_tuples(values))


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
