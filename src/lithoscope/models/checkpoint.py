"""Checkpoints as files: a folder of weights and a description, written whole and read checked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import CheckpointError, LithoscopeError
from lithoscope.models.checked_file import read_checked
from lithoscope.models.checkpoint_data import (
    calibration_as_data,
    condition_as_data,
    condition_from_data,
    conformal_from_data,
    temperature_from_data,
    threshold_from_data,
)
from lithoscope.models.checkpoint_parts import Checkpoint, UnknownThreshold
from lithoscope.models.detector_files import (
    detector_as_data,
    detector_bytes,
    detector_from_bytes,
)
from lithoscope.models.registry import build_network
from lithoscope.models.unknown_parts import StoredDetector
from lithoscope.preprocess.chain import Chain
from lithoscope.preprocess.model_axis import ModelAxis

__all__ = [
    "DEFAULT_MODEL",
    "Checkpoint",
    "UnknownThreshold",
    "check_model_folder",
    "digest_of_checkpoint",
    "find_checkpoint",
    "instruments_of_shipped",
    "load_checkpoint",
    "save_checkpoint",
    "shipped_models",
]

FORMAT_VERSION = 2
DEFAULT_MODEL = "default"
_WEIGHTS, _DESCRIPTION = "weights.safetensors", "model.json"
_DETECTOR = "unknown.safetensors"
# What the steps of the preprocessing have learnt lies among the weights under this prefix.
_LEARNT = "preprocessing/"


def check_model_folder(folder: Path) -> None:
    """Refuse a folder that no model can be saved to.

    Raises
    ------
    CheckpointError
        If it exists and holds something else than a model.
    """
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not (folder / _DESCRIPTION).exists())
    ):
        raise CheckpointError(
            f"{folder} exists and holds other files.",
            expected="a new or empty folder, or one that holds a model",
            remedy="choose another folder with -o",
        )


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint as a folder of safetensors and JSON, whole or not at all.

    Raises
    ------
    CheckpointError
        If the folder exists and holds something else than a model.
    """
    from safetensors.torch import save

    check_model_folder(folder)
    weights = save(_tensors_of(checkpoint))
    stored = checkpoint.detector
    detector = b"" if stored is None else detector_bytes(stored)
    description = _description(checkpoint, weights, detector)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    (partial / _WEIGHTS).write_bytes(weights)
    if stored is not None:
        (partial / _DETECTOR).write_bytes(detector)
    (partial / _DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    if folder.exists():
        for file in partial.iterdir():
            file.replace(folder / file.name)
        if stored is None:
            (folder / _DETECTOR).unlink(missing_ok=True)
        partial.rmdir()
    else:
        partial.rename(folder)


def digest_of_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the SHA-256 of all that a checkpoint holds: the same one answers the same."""
    from safetensors.torch import save

    stored = checkpoint.detector
    detector = b"" if stored is None else detector_bytes(stored)
    description = _description(checkpoint, save(_tensors_of(checkpoint)), detector)
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def _description(checkpoint: Checkpoint, weights: bytes, detector: bytes) -> dict[str, Any]:
    stored = checkpoint.detector
    return {
        "format": FORMAT_VERSION,
        "name": checkpoint.name,
        "network": checkpoint.network_name,
        "axis": dataclasses.asdict(checkpoint.axis),
        "preprocessing": checkpoint.preprocessing.description(),
        "labels": [list(group.members) for group in checkpoint.labels],
        "condition": condition_as_data(checkpoint.condition),
        "instruments": list(checkpoint.instruments),
        "voltages_kV": list(checkpoint.voltages_kV),
        "threshold": dataclasses.asdict(checkpoint.threshold),
        **calibration_as_data(checkpoint),
        **({} if stored is None else {"detector": detector_as_data(stored, detector)}),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "card": dict(checkpoint.card),
    }


def _tensors_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    learnt = {
        _LEARNT + key: torch.from_numpy(values).contiguous()
        for key, values in checkpoint.preprocessing.arrays().items()
    }
    matrices = {name for name, one in checkpoint.network.named_parameters() if one.ndim > 1}
    weights = {
        key: _halved(value) if key in matrices else value
        for key, value in checkpoint.network.state_dict().items()
    }
    return {**learnt, **{key: value.contiguous() for key, value in weights.items()}}


def _halved(matrix: Tensor) -> Tensor:
    """Half the size where nothing overflows: networks are prepared for inference in bfloat16."""
    half = matrix.to(torch.float16)
    return half if bool(half.isfinite().all()) else matrix


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint and check that it is whole.

    Raises
    ------
    CheckpointError
        If a file is missing, altered or damaged, or of a newer format.
    """
    description = _read_description(folder)
    tensors = _read_weights(folder, description)
    weights = {key: value for key, value in tensors.items() if not key.startswith(_LEARNT)}
    try:
        labels = LabelSet(tuple(Group(tuple(members)) for members in description["labels"]))
        axis = ModelAxis(**description["axis"])
        chain = _preprocessing(description, tensors)
        leaves = chain.on(axis.edges_keV).leaves
        network = build_network(
            description["network"],
            n_bins=leaves.length,
            n_classes=len(labels),
            n_inputs=leaves.channels,
        )
        network.load_state_dict(weights)
        network.eval()
        return Checkpoint(
            name=description["name"],
            network_name=description["network"],
            network=network,
            axis=axis,
            labels=labels,
            condition=condition_from_data(description["condition"]),
            instruments=tuple(description["instruments"]),
            voltages_kV=_pair(description["voltages_kV"]),
            threshold=threshold_from_data(description["threshold"]),
            card=description["card"],
            preprocessing=chain,
            temperature=temperature_from_data(description),
            conformal=conformal_from_data(description),
            detector=_detector(folder, description),
        )
    except LithoscopeError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The model in {folder} is damaged: {error}.",
            expected="a folder written by `lithoscope train`",
        ) from error


def _preprocessing(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Chain:
    learnt = {
        key.removeprefix(_LEARNT): value.numpy()
        for key, value in tensors.items()
        if key.startswith(_LEARNT)
    }
    return Chain.from_description(description["preprocessing"], learnt)


def _pair(values: Sequence[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / _DESCRIPTION
    if not path.is_file():
        raise CheckpointError(
            f"There is no model in {folder}.",
            expected=f"a folder with {_DESCRIPTION} and {_WEIGHTS}, as `lithoscope train` writes",
        )
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        version = int(description["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.", expected="the JSON that `lithoscope train` wrote"
        ) from error
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"The model in {folder} has format {version}.",
            expected=f"format {FORMAT_VERSION}",
            remedy="update lithoscope" if version > FORMAT_VERSION else "train it again",
        )
    return dict(description)


def _detector(folder: Path, description: Mapping[str, Any]) -> StoredDetector | None:
    values = description.get("detector")
    if values is None:
        return None
    content = read_checked(folder / _DETECTOR, values.get("sha256"))
    return detector_from_bytes(values, content, folder / _DETECTOR)


def _read_weights(folder: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / _WEIGHTS
    content = read_checked(path, description.get("weights_sha256"))
    try:
        return dict(load(content))
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}.") from error


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that ship in the package."""
    root = Path(__file__).parent / "shipped"
    return tuple(sorted(path.name for path in root.iterdir() if (path / _DESCRIPTION).is_file()))


def instruments_of_shipped(name: str) -> tuple[str, ...]:
    """Return the instruments that a shipped model was trained for, without loading its weights."""
    folder = Path(__file__).parent / "shipped" / name
    return tuple(_read_description(folder)["instruments"])


def find_checkpoint(name_or_path: str) -> Checkpoint:
    """Load a shipped model by name, or any model by the path of its folder."""
    if name_or_path in shipped_models():
        return load_checkpoint(Path(__file__).parent / "shipped" / name_or_path)
    folder = Path(name_or_path)
    if not folder.is_dir():
        raise CheckpointError(
            f"There is no model '{name_or_path}'.",
            expected=f"a shipped model ({', '.join(shipped_models())}) or a model's folder",
        )
    return load_checkpoint(folder)
