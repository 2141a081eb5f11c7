"""What a Dask worker does: it maps blocks of rows with the models that it was given once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_worker

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import ClusterError
from lithoscope.io import open_scan
from lithoscope.models.checkpoint import Checkpoint, digest_of_checkpoint
from lithoscope.workflows.map_blocks import BlockMapper, MappedBlock
from lithoscope.workflows.map_plan import plan_map
from lithoscope.workflows.provenance import versions

# Files whose index of rows a worker keeps.
_OPEN = 2
# Where a worker keeps its models.
_MODELS = "lithoscope_checkpoints"


class ModelOnWorker(WorkerPlugin):
    """Brings models to each worker once, also to those that come later or start anew.

    Parameters
    ----------
    models
        The models.
    """

    name = "lithoscope-model"

    def __init__(self, models: Sequence[Checkpoint]) -> None:
        self.models = {digest_of_checkpoint(model): model for model in models}

    def setup(self, worker: Any) -> None:
        """Keep the models; what earlier ones mapped with is of no use."""
        setattr(worker, _MODELS, self.models)
        _mapper.cache_clear()


@dataclass(frozen=True)
class RemoteScan:
    """What a worker needs to know to open a scan and map it as others do.

    Parameters
    ----------
    path
        The file, at the same place for all workers.
    size
        Its bytes; ``None`` for a folder.
    energy_axis, salvage
        As in `open_scan`.
    minerals, instrument
        As in `map_minerals`.
    model
        Digest of the model.
    versions
        Of the packages on which a result depends, as names and versions.
    """

    path: str
    size: int | None
    energy_axis: EnergyAxis | None
    salvage: bool
    minerals: tuple[str, ...] | None
    instrument: str | None
    model: str
    versions: tuple[tuple[str, str], ...]


def size_of(path: Path) -> int | None:
    """Bytes of a file; ``None`` for a folder."""
    return None if path.is_dir() else path.stat().st_size


def map_rows(scan: RemoteScan, first: int, last: int) -> MappedBlock:
    """Map rows `first` to ``last - 1`` of a scan; this is the task that is sent to workers.

    Raises
    ------
    ClusterError
        If the worker does not see the same file, or has other versions.
    ScanError
        If the file is damaged.
    """
    return _mapper(scan)(first, last)


@functools.lru_cache(maxsize=_OPEN)
def _mapper(scan: RemoteScan) -> BlockMapper:
    worker, path = get_worker(), Path(scan.path)
    if not path.exists() or size_of(path) != scan.size:
        raise ClusterError(
            f"{path} is not there or another file on the worker {worker.address}.",
            expected="the same files at the same place for all workers",
            remedy="put the scans on a disk that all of them share",
        )
    found = tuple(versions().items())
    if found != scan.versions:
        differing = ", ".join(f"{name} {number}" for name, number in set(found) - {*scan.versions})
        raise ClusterError(
            f"The worker {worker.address} has other versions: {differing}.",
            expected=", ".join(f"{name} {number}" for name, number in {*scan.versions} - {*found}),
            remedy="install the same versions on all workers",
        )
    return BlockMapper(
        plan_map(
            open_scan(path, energy_axis=scan.energy_axis, salvage=scan.salvage),
            model=getattr(worker, _MODELS)[scan.model],
            minerals=scan.minerals,
            instrument=scan.instrument,
            allow_electron_beam=True,
        )
    )
