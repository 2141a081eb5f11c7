"""A phantom of a rock as a file, with its truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lithoscope.core.instrument import Instrument
from lithoscope.errors import MineralError, OutputError
from lithoscope.io import load_instrument, write_bcf, write_hspy_scan, write_zarr_scan
from lithoscope.io.aside import check_room, zarr_written_aside
from lithoscope.minerals import load_library
from lithoscope.minerals.rocks import Rock, find_rock, load_rocks
from lithoscope.segmentation.dataset import write_dataset
from lithoscope.synthesis.phantoms import (
    Phantom,
    PhantomRecipe,
    ScanRecipe,
    TextureRecipe,
    texture_of_rock,
)

FORMATS = (".bcf", ".hspy", ".zarr")
# Bytes on disk of a pixel: what measured files take at most for an event, and for an empty pixel
# and its truth.
_BYTES_PER_COUNT, _BYTES_PER_PIXEL = 1.6, 200
_OFFERED_ROCKS = 6

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class MadePhantom:
    """A phantom that was written.

    Parameters
    ----------
    phantom
        The phantom.
    scan, truth
        Where its counts and its truth are.
    """

    phantom: Phantom
    scan: Path
    truth: Path


def make_phantom(
    rock: str | Rock,
    path: str | Path,
    *,
    scan: ScanRecipe | None = None,
    texture: TextureRecipe | None = None,
    instrument: str | Path | Instrument = "m4-tornado",
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> MadePhantom:
    """Simulate a scan of a rock, and write it with its truth.

    Counts are drawn and written row by row. Detectors are kept apart in a ``.bcf``, and summed in
    other files. The truth (see `lithoscope.synthesis.phantoms.truth`) goes to
    ``<stem>-truth.zarr``.

    Parameters
    ----------
    rock
        Name of a rock, or a rock.
    path
        File to write, ``.bcf``, ``.hspy`` or ``.zarr``.
    scan
        How it is measured; 128 x 128 pixels of 20 µm at 2 000 counts when left out.
    texture
        Its texture; that of the kind of rock when left out.
    instrument
        Name or file of an instrument, or an instrument.
    seed
        Seed of all that is drawn.
    progress
        Called with the number of rows written and in all.

    Raises
    ------
    MineralError
        If there is no such rock.
    OutputError
        If the path cannot be written to, or the disk has no room for it.
    """
    target = Path(path)
    truth = target.with_name(f"{target.stem}-truth.zarr")
    measured = scan or ScanRecipe()
    chosen = rock if isinstance(rock, Rock) else _find_rock(rock)
    recipe = PhantomRecipe(
        chosen, texture or texture_of_rock(chosen, measured.extent_um), measured, seed
    )
    _check_target(target, measured)
    machine = instrument if isinstance(instrument, Instrument) else load_instrument(str(instrument))
    phantom = Phantom(recipe, machine)
    with zarr_written_aside(truth) as aside:
        write_dataset(phantom.truth, aside)
        _write_counts(phantom, target, progress)
    return MadePhantom(phantom, target, truth)


def _find_rock(name: str) -> Rock:
    """Find a rock; a mineral is answered with the rocks that hold it."""
    try:
        return find_rock(name)
    except MineralError as no_rock:
        try:
            mineral = load_library().get(name).name
        except MineralError:
            raise no_rock from None
    holding = [rock.name for rock in load_rocks() if mineral in rock.shares]
    offered = ", ".join((holding or [rock.name for rock in load_rocks()])[:_OFFERED_ROCKS])
    raise MineralError(
        f"{mineral} is a mineral, and a phantom is of a rock.",
        expected=f"a rock, such as {offered}",
        remedy=f"for one spectrum of the mineral: lithoscope simulate {name}",
    )


def _check_target(target: Path, scan: ScanRecipe) -> None:
    if target.suffix.lower() not in FORMATS:
        raise OutputError(
            f"A phantom cannot be written as '{target.name}'.",
            expected=f"a name that ends in {', '.join(FORMATS)}",
        )
    if target.is_dir() and target.suffix.lower() != ".zarr":
        raise OutputError(f"{target} is a folder.", expected="the name of a file")
    pixels = scan.shape[0] * scan.shape[1]
    check_room(
        target.parent,
        pixels * (scan.counts * _BYTES_PER_COUNT + _BYTES_PER_PIXEL),
        number=pixels,
        things="pixels",
        fewer_with="--size",
    )


def _write_counts(phantom: Phantom, target: Path, progress: Progress) -> None:
    scan = phantom.recipe.scan
    detectors = scan.detectors
    facts: dict[str, Any] = {
        "shape": phantom.shape,
        "axis": phantom.machine.axis,
        "pixel_size_mm": (scan.step_um * 1e-3, scan.step_um * 1e-3),
    }
    kind = target.suffix.lower()
    if kind == ".bcf":
        write_bcf(
            target,
            rows=_counted(phantom, progress),
            instrument=phantom.machine,
            detectors=detectors,
            title=phantom.title,
            live_time_s=phantom.live_time_s * phantom.shape[0] * phantom.shape[1],
            **facts,
        )
        return
    write = write_hspy_scan if kind == ".hspy" else write_zarr_scan
    write(
        target,
        rows=(
            block.sum(axis=2, dtype=block.dtype) if detectors > 1 else block
            for block in _counted(phantom, progress)
        ),
        title=f"{phantom.title} (synthetic)",
        live_time_s=phantom.live_time_s,
        **facts,
    )


def _counted(phantom: Phantom, progress: Progress) -> Iterator[NDArray[Any]]:
    for number, block in enumerate(phantom.rows(), start=1):
        yield block
        progress(number, phantom.shape[0])
