"""Simulated spectra of what a model was trained on, made again to guard what it knows."""

from __future__ import annotations

from dataclasses import dataclass

from lithoscope.errors import CheckpointError, MineralError
from lithoscope.evaluation.by_counts import fit_unknown_threshold
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.models.checkpoint import Checkpoint, UnknownThreshold
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream
from lithoscope.training.on_data import BinnedSplit
from lithoscope.workflows.model_spectra import distinct_physics
from lithoscope.workflows.new_model import Progress

# Added to the seed for what must not be seen in training.
_HELD_OUT, _THRESHOLD = 3_000_017, 2_000_003
_HELD_OUT_MACHINES, _HELD_OUT_SPECTRA = 32, 6_000
_THRESHOLD_SPECTRA = 200


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Where simulated spectra of a model's own classes, machines and condition come from.

    Parameters
    ----------
    checkpoint
        The model.
    seed
        Seed of all that is drawn.
    """

    checkpoint: Checkpoint
    seed: int

    @classmethod
    def of(cls, checkpoint: Checkpoint, seed: int) -> Rehearsal:
        """Make it, if the model was trained on what can be simulated here.

        Raises
        ------
        CheckpointError
            If it was not.
        """
        library = load_library()
        try:
            for name in checkpoint.labels.members:
                library.get(name)
        except MineralError as error:
            raise CheckpointError(
                f"The model '{checkpoint.name}' cannot be rehearsed: {error.problem}",
                expected="a model of minerals of the library",
            ) from None
        if "poisson" not in checkpoint.condition.severities:
            raise CheckpointError(
                f"The model '{checkpoint.name}' was not trained on simulated counts, so what it "
                "knows cannot be guarded.",
                expected="a model that `lithoscope train` made without --data",
            )
        return cls(checkpoint, seed)

    def stream(
        self, *, seed: int, batch_size: int, size: GenerationSize | None = None
    ) -> SpectrumStream:
        """Return a stream on the model's axis; `seed` is added to the own."""
        library, checkpoint = load_library(), self.checkpoint
        recipe = checkpoint.card.get("recipe", {})
        own = GenerationSize()
        as_trained = GenerationSize(
            recipe.get("machines", own.machines),
            recipe.get("per_machine", own.per_machine),
            recipe.get("renewed_machines", own.renewed),
        )
        return SpectrumStream(
            [library.get(name) for name in checkpoint.labels.members],
            checkpoint.labels,
            distinct_physics([load_instrument(name) for name in checkpoint.instruments]),
            checkpoint.condition,
            checkpoint.axis.edges_keV,
            batch_size=batch_size,
            seed=self.seed + seed,
            size=size or as_trained,
        )

    def held_out(self, progress: Progress) -> BinnedSplit:
        """Simulate spectra for the guard, of many machines with few spectra each."""
        progress("simulate", 0, 1, "held-out spectra")
        size = GenerationSize(
            _HELD_OUT_MACHINES, -(-_HELD_OUT_SPECTRA // _HELD_OUT_MACHINES), _HELD_OUT_MACHINES
        )
        batch = self.stream(seed=_HELD_OUT, batch_size=_HELD_OUT_SPECTRA, size=size).batch(0)
        progress("simulate", 1, 1, "")
        return BinnedSplit(batch.counts.numpy(), batch.classes.numpy())

    def threshold(self, checkpoint: Checkpoint) -> UnknownThreshold:
        """Choose anew from which score on a spectrum is unknown: the scores have moved."""
        return fit_unknown_threshold(
            checkpoint,
            self.stream(seed=_THRESHOLD, batch_size=2048),
            false_alarms=checkpoint.threshold.false_alarms,
            spectra_per_class=_THRESHOLD_SPECTRA,
        )
