"""Where the spectra of a recipe come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from lithoscope.core.instrument import Instrument
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import CheckpointError
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import CONDITIONS, Condition
from lithoscope.synthesis.distortions.voltage import voltage_range
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.joined import JoinedStreams
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.workflows.recipe import Recipe

TEST_BATCH = 2048
# Added to the recipe's seed for undistorted training spectra, whose grains are others.
_UNDISTORTED = 4_000_037


@dataclass(frozen=True, eq=False)
class ModelSpectra:
    """Where a recipe's spectra come from, for training and for tests.

    Parameters
    ----------
    recipe
        Instruments, seed and sizes.
    minerals
        The members of all classes.
    labels
        The classes.
    axis
        The model's axis.
    """

    recipe: Recipe
    minerals: Sequence[Mineral]
    labels: LabelSet
    axis: ModelAxis

    @property
    def instruments(self) -> list[Instrument]:
        """The recipe's, those of one physics once."""
        return distinct_physics([load_instrument(name) for name in self.recipe.instruments])

    @property
    def voltages_kV(self) -> tuple[float, float]:
        """Lowest and highest voltage of the recipe's spectra."""
        acting = self.recipe.measured_under().distortions
        ranges = [voltage_range(one, acting) for one in self.instruments]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def for_training(self) -> SpectrumStream | JoinedStreams:
        """Return what the network is trained on, undistorted spectra and pure grains among it."""
        recipe = self.recipe
        condition, size = recipe.measured_under(), self._training_size
        size = dataclasses.replace(size, pure_share=recipe.pure_share)
        undistorted = round(recipe.undistorted_share * recipe.batch_size)
        rest = recipe.batch_size - undistorted
        stream = self.stream(condition, seed=0, batch_size=rest, size=size)
        if not undistorted:
            return stream
        clean = dataclasses.replace(CONDITIONS["poisson"], counts=condition.counts)
        other = self.stream(clean, seed=_UNDISTORTED, batch_size=undistorted, size=size)
        return JoinedStreams([stream, other])

    def for_tests(self, condition: Condition, *, seed: int) -> SpectrumStream:
        """Return a stream of many machines with few spectra each.

        Accuracies must not hang on few machines: a tenth of them have filters.
        """
        batch_size = min(TEST_BATCH, self.recipe.test_spectra)
        machines = self.recipe.test_machines
        size = GenerationSize(machines, -(-batch_size // machines), machines)
        return self.stream(condition, seed=seed, batch_size=batch_size, size=size)

    def stream(
        self,
        condition: Condition,
        *,
        seed: int,
        batch_size: int,
        size: GenerationSize | None = None,
    ) -> SpectrumStream:
        """Return a stream on the model's axis; `seed` is added to the recipe's."""
        recipe = self.recipe
        return SpectrumStream(
            self.minerals,
            self.labels,
            self.instruments,
            condition,
            self.axis.edges_keV,
            batch_size=batch_size,
            seed=recipe.seed + seed,
            size=size or self._training_size,
        )

    @property
    def _training_size(self) -> GenerationSize:
        recipe = self.recipe
        return GenerationSize(recipe.machines, recipe.per_machine, recipe.renewed_machines)


def spectra_of_model(checkpoint: Checkpoint) -> ModelSpectra:
    """Return where the spectra of a trained model come from.

    Raises
    ------
    CheckpointError
        If the model's card lacks the recipe by which spectra are drawn.
    MineralError
        If the model has minerals that are not in the library.
    """
    if "recipe" not in checkpoint.card:
        raise CheckpointError(
            f"The card of the model '{checkpoint.name}' holds no recipe.",
            expected="a model written by `lithoscope train`",
        )
    # What the model says of itself, rather than the recipe: finetuning may have changed it.
    recipe = Recipe.model_validate(checkpoint.card["recipe"]).model_copy(
        update={"instruments": list(checkpoint.instruments)}
    )
    library = load_library()
    minerals = [library.get(name) for name in checkpoint.labels.members]
    return ModelSpectra(recipe, minerals, checkpoint.labels, checkpoint.axis)


def distinct_physics(instruments: Sequence[Instrument]) -> list[Instrument]:
    """Leave out instruments that differ from an earlier one in name and energy axis alone."""
    first = instruments[0]
    kept: dict[Instrument, Instrument] = {}
    for instrument in instruments:
        key = dataclasses.replace(instrument, name="any", axis=first.axis)
        kept.setdefault(key, instrument)
    return list(kept.values())
