"""Several streams as one: each batch holds a part of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.stream import SpectrumStream


@dataclass(frozen=True, eq=False)
class JoinedBatch:
    """Spectra of several streams.

    Parameters
    ----------
    counts
        Counts on the streams' axis, shape (batch, bin).
    classes
        True classes, shape (batch,).
    """

    counts: Tensor
    classes: Tensor


class JoinedStreams:
    """Streams of the same classes on the same axis, joined batch by batch.

    Parameters
    ----------
    streams
        Two or more; the first gives the condition, under a name that tells of the others.
    """

    def __init__(self, streams: Sequence[SpectrumStream]) -> None:
        first, *others = streams
        for other in others:
            if other.labels != first.labels or not torch.equal(other.edges_keV, first.edges_keV):
                raise InvalidValueError(
                    f"Streams of {len(first.labels)} and {len(other.labels)} classes, "
                    f"{len(first.edges_keV) - 1} and {len(other.edges_keV) - 1} bins.",
                    expected="the same classes and the same axis",
                )
        self.streams = tuple(streams)
        self.labels, self.seed = first.labels, first.seed
        shares = [f"{one.batch_size} {one.condition.name}" for one in streams]
        self.condition = dataclasses.replace(first.condition, name=" and ".join(shares))

    def batch(self, number: int) -> JoinedBatch:
        """Make the batch of this number."""
        parts = [stream.batch(number) for stream in self.streams]
        return JoinedBatch(
            torch.cat([part.counts for part in parts]), torch.cat([part.classes for part in parts])
        )
