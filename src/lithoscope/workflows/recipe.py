"""Recipes: how a model is made, as a short YAML file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lithoscope.core.plain_yaml import load_plain_yaml
from lithoscope.errors import CheckpointError, nearest_names
from lithoscope.preprocess.chain import DEFAULT_CHAIN, Chain
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition, find_condition

_FOLDER = Path(__file__).parent / "recipes"
_AFTER_TRAINING = ("test_spectra", "test_machines", "threshold_spectra", "ceiling_templates")


class Recipe(BaseModel):
    """What a recipe file may say; see the files in ``workflows/recipes``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str
    instruments: list[str] = Field(min_length=1)
    condition: str
    severities: dict[str, float] = {}
    counts: tuple[float, float]
    # Shares of the training spectra: single thick minerals on instruments as described, and grains
    # without traces.
    undistorted_share: float = Field(default=0.0, ge=0, lt=1)
    pure_share: float = Field(default=0.0, ge=0, le=1)
    one_class: tuple[tuple[str, ...], ...] = ()
    machines: int = Field(ge=1, le=1000)
    per_machine: int = Field(ge=1, le=1_000_000)
    renewed_machines: int = Field(ge=1, le=1000)
    spectra: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    seed: int = Field(ge=0)
    test_spectra: int = Field(ge=10)
    test_machines: int = Field(ge=1, le=1000)
    threshold_spectra: int = Field(ge=10)
    # Expected spectra of each class, by which the ceiling is computed.
    ceiling_templates: int = Field(default=512, ge=4)
    # Steps between the counts on the model's axis and the network, how fine that axis is, and where
    # it begins: above the zero peak.
    preprocessing: list[Any] = Field(default_factory=DEFAULT_CHAIN.description)
    bins_per_fwhm: float = Field(default=2.5, ge=0.5, le=6)
    lowest_keV: float = Field(default=0.8, ge=0.15, le=5)

    @field_validator("preprocessing")
    @classmethod
    def _is_chain(cls, steps: list[Any]) -> list[Any]:
        # The errors of a chain are ValueErrors, which pydantic reports with the others.
        return Chain.from_description(steps).description()

    def chain(self) -> Chain:
        """Return the preprocessing, unfitted."""
        return Chain.from_description(self.preprocessing)

    def training(self) -> str:
        """Short hash of all that a network's weights depend on, but not what follows training."""
        asked = self.model_dump(exclude=set(_AFTER_TRAINING), mode="json")
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]

    def axis(self) -> ModelAxis:
        """Return the axis on which the model sees spectra."""
        return ModelAxis(low_keV=self.lowest_keV, bins_per_fwhm=self.bins_per_fwhm)

    def measured_under(self) -> Condition:
        """Return the condition of the spectra to train on.

        Raises
        ------
        InvalidValueError
            If there is no such condition or distortion, or a value is out of range.
        """
        named = find_condition(self.condition).with_severities(self.severities)
        return dataclasses.replace(named, counts=self.counts)


def shipped_recipes() -> tuple[str, ...]:
    """Return the names of the recipes in the package."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_recipe(name_or_path: str) -> Recipe:
    """Read a recipe by its name in the package or its path.

    Raises
    ------
    CheckpointError
        If there is no such recipe, or it has an unknown key or a value out of range.
    InvalidValueError
        If it names a condition or distortion that does not exist.
    """
    path = _FOLDER / f"{name_or_path}.yaml"
    if name_or_path not in shipped_recipes():
        path = Path(name_or_path)
        if not path.is_file():
            near = nearest_names(name_or_path, shipped_recipes())
            raise CheckpointError(
                f"There is no recipe '{name_or_path}'.",
                expected=f"one of {', '.join(near or shipped_recipes())}, or a YAML file",
            )
    try:
        recipe = Recipe.model_validate(load_plain_yaml(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not YAML: {error}.") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(place) for place in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise CheckpointError(
            f"Recipe {path}: {faults}.", expected=f"the keys {', '.join(Recipe.model_fields)}"
        ) from error
    recipe.measured_under()
    return recipe


def adjust_recipe(
    recipe: Recipe,
    *,
    network: str | None = None,
    instruments: list[str] | None = None,
    condition: str | None = None,
    spectra: int | None = None,
    seed: int | None = None,
) -> Recipe:
    """Return a recipe with the given values in place of its own; ``None`` keeps a value."""
    changes = {
        "network": network,
        "instruments": instruments,
        "condition": condition,
        "spectra": spectra,
        "seed": seed,
    }
    return recipe.model_copy(
        update={key: value for key, value in changes.items() if value is not None}
    )
