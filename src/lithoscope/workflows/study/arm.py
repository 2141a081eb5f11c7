"""Arms: one question each, as a short YAML file that says what is fitted and what is measured."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lithoscope.core.plain_yaml import load_plain_yaml
from lithoscope.errors import CheckpointError, nearest_names
from lithoscope.models.registry import NETWORKS
from lithoscope.physics.simplified import PARTS
from lithoscope.preprocess.chain import DEFAULT_CHAIN, Chain
from lithoscope.synthesis.conditions import Condition, find_condition

_FOLDER = Path(__file__).parent / "arms"
CEILING = "ceiling"
BASELINES = ("SAM", "NNLS", "Poisson likelihood", "linear SVM on PCA", "random forest", "boosting")
Measure = Literal[
    "accuracy",
    "corruption",
    "calibration",
    "missing ranges",
    "phantoms",
    "carrying over",
    "unknown",
]
Axis = Literal["model", "channels"]


class Case(BaseModel):
    """One thing to fit, and what to measure of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learner: str
    trained_under: str = "realistic"
    # Conditions to measure accuracy under; where trained, if none is given.
    tested_under: tuple[str, ...] = ()
    levels: tuple[float, ...] = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
    measures: tuple[Measure, ...] = ("accuracy",)
    preprocessing: list[Any] = Field(default_factory=DEFAULT_CHAIN.description)
    axis: Axis = "model"
    # Share of the study's budget of spectra, and a number of seeds.
    spectra_share: float = Field(default=1.0, gt=0, le=10)
    seeds: int = Field(default=1, ge=1, le=10)
    instruments: tuple[str, ...] = ("m4-tornado",)
    physics_left_out: tuple[str, ...] = ()
    # Share of all classes that is not learnt.
    left_out: float = Field(default=0.0, ge=0, le=0.5)

    @field_validator("trained_under")
    @classmethod
    def _is_condition(cls, text: str) -> str:
        condition_from_text(text)
        return text

    @field_validator("preprocessing")
    @classmethod
    def _is_chain(cls, steps: list[Any]) -> list[Any]:
        return Chain.from_description(steps).description()

    @model_validator(mode="after")
    def _is_known(self) -> Case:
        known = (*NETWORKS, *BASELINES, CEILING)
        if self.learner not in known:
            raise ValueError(f"no learner '{self.learner}'; one of {', '.join(known)}")
        for part in self.physics_left_out:
            if part not in PARTS:
                raise ValueError(f"no part '{part}' of the physics; one of {', '.join(PARTS)}")
        for name in self.tested_under:
            condition_from_text(name)
        if "unknown" in self.measures and not self.is_network:
            raise ValueError(f"{self.learner} has no features by which to tell the unknown")
        return self

    @property
    def tests(self) -> tuple[str, ...]:
        """Conditions under which accuracy is measured."""
        return self.tested_under or (self.trained_under,)

    @property
    def is_network(self) -> bool:
        """Whether a network is trained."""
        return self.learner in NETWORKS

    @property
    def needs_data(self) -> bool:
        """Whether spectra of other makers are measured on."""
        return "carrying over" in self.measures

    def asked(self) -> dict[str, Any]:
        """All that a run's result depends on; the number of seeds says only how many runs."""
        return self.model_dump(exclude={"seeds"})

    def training(self) -> dict[str, Any]:
        """All that fitting depends on."""
        return self.model_dump(exclude={"seeds", "tested_under", "levels", "measures"})

    def simulated(self) -> tuple[Any, ...]:
        """All that the spectra depend on to which it is fitted, besides seed and size."""
        return (
            self.trained_under,
            self.axis,
            self.instruments,
            self.physics_left_out,
            self.left_out,
        )


class Arm(BaseModel):
    """One question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    question: str
    # Arms with a lower number come first: what conclusions rest on.
    order: int
    # Two cases whose difference is put to a paired test over seeds.
    paired: tuple[str, str] | None = None
    # More pairs for the conclusions, and the conditions under which all are compared.
    compared: tuple[tuple[str, str], ...] = ()
    compared_under: tuple[str, ...] = ("realistic",)
    # What all cases share; lists of values of which every combination is a case; and single cases.
    common: dict[str, Any] = {}
    each: dict[str, dict[str, dict[str, Any]]] = {}
    also: dict[str, dict[str, Any]] = {}

    def cases(self) -> dict[str, Case]:
        """Cases by name, in the order of the file."""
        found = {}
        if self.each:
            for parts in itertools.product(*(values.items() for values in self.each.values())):
                settings = dict(self.common)
                for _, own in parts:
                    settings.update(own)
                found[", ".join(name for name, _ in parts)] = Case.model_validate(settings)
        for name, own in self.also.items():
            found[name] = Case.model_validate({**self.common, **own})
        return found

    @model_validator(mode="after")
    def _has_cases(self) -> Arm:
        if not self.cases():
            raise ValueError("no cases: neither 'each' nor 'also'")
        for pair in (*self.compared, *([self.paired] if self.paired else [])):
            if not set(pair) <= set(self.cases()):
                raise ValueError(f"no cases {' and '.join(pair)} to compare")
        return self


def condition_from_text(text: str) -> Condition:
    """Return a condition by its name, with changed severities: ``realistic+bragg=0,stray=0``.

    Raises
    ------
    InvalidValueError
        If there is no such condition or distortion, or a severity is out of range.
    """
    name, _, changes = text.partition("+")
    pairs = [part.partition("=") for part in changes.split(",") if part]
    try:
        severities = {key: float(value) for key, _, value in pairs}
    except ValueError:
        severities = {text: 0.0}  # No distortion: told with the names there are.
    return find_condition(name).with_severities(severities)


def load_arm(path: Path) -> Arm:
    """Read an arm from its file.

    Raises
    ------
    CheckpointError
        If the file is no YAML, or says what no arm may say.
    """
    try:
        return Arm.model_validate(load_plain_yaml(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not YAML: {error}.") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(place) for place in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise CheckpointError(
            f"Arm {path.name}: {faults}.",
            expected=f"the keys {', '.join(Arm.model_fields)}, and of cases "
            f"{', '.join(Case.model_fields)}",
        ) from error


def load_arms(names: Collection[str] | None = None) -> dict[str, Arm]:
    """Return the arms of the package by name, those that conclusions rest on first.

    Raises
    ------
    CheckpointError
        If one of the names is no arm's.
    """
    arms = {path.stem: load_arm(path) for path in sorted(_FOLDER.glob("*.yaml"))}
    for name in names or ():
        if name not in arms:
            near = nearest_names(name, arms)
            raise CheckpointError(
                f"There is no arm '{name}'.", expected=f"some of {', '.join(near or arms)}"
            )
    chosen = {name: arm for name, arm in arms.items() if not names or name in names}
    return dict(sorted(chosen.items(), key=lambda item: item[1].order))
