"""A trained network for line intensities with all that its use requires, in one file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lithoscope.errors import CheckpointError, InvalidValueError, LithoscopeError
from lithoscope.io.aside import written_aside
from lithoscope.models.inputs import network_inputs
from lithoscope.models.networks.cnn_lines import CnnLines
from lithoscope.physics.line_groups import LineGroup
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition

FORMAT_VERSION = 1
_MAX_BYTES = 256 * 2**20
_CHUNK = 512
_DESCRIPTION = "lithoscope-lines"


@dataclass(frozen=True, eq=False)
class LineModel:
    """Reads net counts of groups of lines from spectra.

    Parameters
    ----------
    network
        The network with its weights, in evaluation mode.
    groups
        What its outputs are of, the rest left out.
    axis
        The axis onto which counts are brought.
    condition
        How the spectra it was trained on were measured.
    instruments
        Names of the instruments it was trained for.
    card
        What it was trained on, for people to read.
    """

    network: CnnLines
    groups: tuple[LineGroup, ...]
    axis: ModelAxis
    condition: Condition
    instruments: tuple[str, ...]
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        outputs = self.network.trunk.head.out_features
        if outputs != len(self.groups) + 1:
            raise InvalidValueError(
                f"A network of {outputs} outputs for {len(self.groups)} groups of lines.",
                expected="one for each group, and one for the rest",
            )

    def net_counts(self, counts: Tensor) -> Tensor:
        """Estimate net counts.

        The network's shares times the counts of the spectrum. Of more counts than it was trained
        for, shares are those of the spectrum scaled down.

        Parameters
        ----------
        counts
            On the model's axis, shape (spectrum, bin), float32.

        Returns
        -------
        Tensor, shape (spectrum, group)
        """
        if counts.ndim != 2 or counts.shape[1] != len(self.axis):
            raise InvalidValueError(
                f"Counts of shape {tuple(counts.shape)}.",
                expected=f"(spectrum, {len(self.axis)}), on the model's axis",
                remedy="rebin them with the rebinner of the model's axis",
            )
        pieces = [counts.new_zeros(0, len(self.groups))]
        with torch.inference_mode():
            for chunk in counts.split(_CHUNK):
                totals = chunk.sum(dim=1, keepdim=True)
                scale = (self.condition.counts[1] / totals.clamp_min(1.0)).clamp_max(1.0)
                log_shares = self.network(*network_inputs(chunk * scale))
                pieces.append(torch.exp(log_shares[:, :-1]) * totals)
        return torch.cat(pieces)


def save_line_model(model: LineModel, path: Path) -> None:
    """Write a model as one file of safetensors, whole or not at all."""
    from safetensors.torch import save

    weights = {key: value.contiguous() for key, value in model.network.state_dict().items()}
    description = {
        "format": FORMAT_VERSION,
        "groups": [[group.element, group.shell] for group in model.groups],
        "axis": dataclasses.asdict(model.axis),
        "condition": {
            "name": model.condition.name,
            "severities": dict(model.condition.severities),
            "counts": list(model.condition.counts),
        },
        "instruments": list(model.instruments),
        "card": dict(model.card),
        "weights_sha256": _hash_of(weights),
    }
    content = save(weights, metadata={_DESCRIPTION: json.dumps(description)})
    with written_aside(path) as aside:
        aside.write_bytes(content)


def load_line_model(path: Path) -> LineModel:
    """Read a model and check that it is whole.

    Raises
    ------
    CheckpointError
        If the file is missing, altered or damaged, or of another format.
    """
    description, weights = _read(path)
    if description.get("format") != FORMAT_VERSION:
        raise CheckpointError(
            f"The line model {path} has format {description.get('format')}.",
            expected=f"format {FORMAT_VERSION}",
            remedy="train it again, or use the version of lithoscope that wrote it",
        )
    if description.get("weights_sha256") != _hash_of(weights):
        raise CheckpointError(
            f"The weights in {path} are not those the model was saved with.",
            expected="unaltered weights",
            remedy="copy the file again",
        )
    try:
        axis = ModelAxis(**description["axis"])
        groups = tuple(LineGroup(element, shell) for element, shell in description["groups"])
        network = CnnLines(2, len(axis), len(groups))
        network.load_state_dict(weights)
        network.eval()
        condition = description["condition"]
        low, high = condition["counts"]
        return LineModel(
            network=network,
            groups=groups,
            axis=axis,
            condition=Condition(condition["name"], condition["severities"], (low, high)),
            instruments=tuple(description["instruments"]),
            card=description["card"],
        )
    except LithoscopeError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The line model {path} is damaged: {error}.", expected="a file that was saved whole"
        ) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise CheckpointError(f"{path} is missing or too large.", expected="a saved line model")
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})[_DESCRIPTION])
            return dict(description), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.", expected="a saved line model"
        ) from error


def _hash_of(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].numpy().tobytes())
    return digest.hexdigest()
