"""A split on disk, as zarr and as .hspy, streamed.

Nothing in them depends on time, path or host: the same records give the same bytes.
"""

from __future__ import annotations

import functools
import json
import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.energy import EnergyAxis
from lithoscope.io.hspy_writer import NavigatedAxis, hspy_counts
from lithoscope.synthesis.datasets.records import Records

# Spectra stored together; and rows of all else, which are small.
CHUNK, _COLUMN_CHUNK = 256, 16_384
_ZSTD_LEVEL = 3
_HSPY_CHUNK = 64
# Copies of the counts while they are written, and how much larger than their entropy they pack:
# measured 1.03 to 1.36 times from 1 000 counts on; below, `_COLUMN_BYTES` makes up for more.
_COPIES, _OVERHEAD = 3, 2.0
# Bytes of a noise-free count; of all else that is kept of a spectrum; and of a data set's metadata.
_REAL_BYTES, _COLUMN_BYTES, _FIXED_BYTES = 4.4, 600, 2_000_000


def estimated_size(spectra: int, channels: int, counts: tuple[float, float], *, whole: bool) -> int:
    """Bytes that a data set takes on disk while it is written, rather too many than too few.

    Whole counts take their entropy, in bits some ``log2(1 + 2 pi e m) / 2`` for a Poisson
    distribution of mean m, here of counts spread evenly over the channels, which is the most.

    Parameters
    ----------
    spectra, channels
        Numbers of them.
    counts
        Lowest and highest total counts of a spectrum, log-uniform between.
    whole
        Whether counts are whole numbers.
    """
    means = np.geomspace(*counts, 32) / channels
    bits = 0.5 * np.log2(1 + 2 * math.pi * math.e * means).mean()
    bytes_of_count = _OVERHEAD * bits / 8 if whole else _REAL_BYTES
    return int(spectra * (_COPIES * channels * bytes_of_count + _COLUMN_BYTES)) + _FIXED_BYTES


def write_split(
    folder: Path,
    name: str,
    records: Iterable[Records],
    *,
    axis: EnergyAxis,
    minerals: Sequence[str],
    whole: bool,
    attributes: Mapping[str, Any],
    report: Callable[[str, int], None] = lambda stage, spectra: None,
) -> NDArray[np.uint16]:
    """Write ``<name>.zarr`` and ``<name>.hspy`` into a folder.

    Parameters
    ----------
    folder
        Where they go; counts lie there a second time until their type is known.
    name
        Of the split.
    records
        The spectra.
    axis
        Their energy axis.
    minerals
        Names that the column ``mineral`` of the records points to.
    whole
        Whether counts are whole numbers; they then get the smallest type that holds them.
    attributes
        What else is known of all of them, as JSON knows it; a ``title`` among it.
    report
        Called with what is being done, and the number of spectra for which it is.

    Returns
    -------
    ndarray, shape (spectrum,)
        Their minerals.
    """
    import zarr

    group: Any = zarr.open_group(str(folder / f"{name}.zarr"), mode="w", zarr_format=3)
    group.attrs.update({**attributes, "minerals": list(minerals)})
    _array(group, "energy_keV", axis.energies_keV.shape, np.dtype(np.float64))[:] = (
        axis.energies_keV
    )
    staged_path = folder / f"{name}.staged"
    staged: Any = zarr.open_group(str(staged_path), mode="w", zarr_format=3)
    staged_type = np.dtype(np.uint32 if whole else np.float32)
    largest = _stage(
        group, staged, records, staged_type, functools.partial(report, f"{name}, drawn")
    )
    final_type = np.min_scalar_type(int(largest)) if whole else staged_type
    numbers: NDArray[np.uint16] = np.asarray(group["mineral"][:])
    final = _array(group, "counts", (len(numbers), axis.n_channels), final_type, rows=CHUNK)
    with hspy_counts(
        folder / f"{name}.hspy",
        navigated=[NavigatedAxis("spectrum", len(numbers))],
        axis=axis,
        dtype=final_type,
        chunks=(min(_HSPY_CHUNK, len(numbers)), axis.n_channels),
        title=attributes["title"],
        minerals=[minerals[number] for number in numbers],
        notes=[(key, json.dumps(value)) for key, value in attributes.items()],
    ) as signal:
        for first in range(0, len(numbers), CHUNK):
            piece = np.asarray(staged["counts"][first : first + CHUNK]).astype(final_type)
            final[first : first + CHUNK] = signal[first : first + CHUNK] = piece
            report(f"{name}, packed", first + len(piece))
    shutil.rmtree(staged_path)
    return numbers


def _stage(
    group: Any,
    staged: Any,
    records: Iterable[Records],
    dtype: np.dtype[Any],
    report: Callable[[int], None],
) -> float:
    """Write counts into `staged` and all else into `group`; return the largest count."""
    counts, columns = _Growing(staged, CHUNK), _Growing(group, _COLUMN_CHUNK)
    largest, spectra = 0.0, 0
    for part in records:
        counts.add({"counts": part.counts.astype(dtype)})
        columns.add(part.columns)
        largest, spectra = max(largest, float(part.counts.max())), spectra + len(part)
        report(spectra)
    counts.finish()
    columns.finish()
    return largest


class _Growing:
    """Arrays of a group that grow chunk by chunk, so that none is packed twice."""

    def __init__(self, group: Any, rows: int) -> None:
        self._group, self._rows = group, rows
        self._pending: list[Mapping[str, NDArray[Any]]] = []

    def add(self, named: Mapping[str, NDArray[Any]]) -> None:
        self._pending.append(named)
        if sum(map(_length, self._pending)) >= self._rows:
            held = self._joined()
            whole = _length(held) // self._rows * self._rows
            self._write({name: values[:whole] for name, values in held.items()})
            self._pending = [{name: values[whole:] for name, values in held.items()}]

    def finish(self) -> None:
        self._write(self._joined())
        self._pending = []

    def _joined(self) -> dict[str, NDArray[Any]]:
        names = self._pending[0] if self._pending else ()
        return {name: np.concatenate([part[name] for part in self._pending]) for name in names}

    def _write(self, named: Mapping[str, NDArray[Any]]) -> None:
        for name, values in named.items():
            if name not in self._group:
                shape = (0, *values.shape[1:])
                _array(self._group, name, shape, values.dtype, rows=self._rows)
            self._group[name].append(values)


def _length(named: Mapping[str, NDArray[Any]]) -> int:
    return len(next(iter(named.values())))


def _array(
    group: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, rows: int | None = None
) -> Any:
    """Make an array; Zstandard packs the same bytes alike, which Blosc's threads do not."""
    from zarr.codecs import ZstdCodec

    chunks = shape if rows is None else (rows, *shape[1:])
    return group.create_array(
        name, shape=shape, dtype=dtype, chunks=chunks, compressors=ZstdCodec(level=_ZSTD_LEVEL)
    )
