"""Where mapped blocks are kept until all are there: in memory, or in a folder that outlives us."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lithoscope.errors import OutputError
from lithoscope.io.block_files import read_block, write_block
from lithoscope.workflows.map_blocks import ARRAYS, MappedBlock


class BlockStore(Protocol):
    """Keeps mapped blocks by number."""

    def missing(self, n_blocks: int) -> list[int]:
        """Return the blocks that are not there, of so many."""

    def put(self, block: int, mapped: MappedBlock) -> None:
        """Keep a block."""

    def arrays(self, block: int, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return arrays of a block that is there."""


class MemoryBlocks:
    """Blocks in memory."""

    def __init__(self) -> None:
        self._blocks: dict[int, MappedBlock] = {}

    def missing(self, n_blocks: int) -> list[int]:
        """As of `BlockStore`."""
        return [block for block in range(n_blocks) if block not in self._blocks]

    def put(self, block: int, mapped: MappedBlock) -> None:
        """As of `BlockStore`."""
        self._blocks[block] = mapped

    def arrays(self, block: int, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """As of `BlockStore`."""
        return {name: getattr(self._blocks[block], name) for name in names}


class FolderBlocks:
    """Blocks in a folder, a file each, whole or not at all.

    Parameters
    ----------
    folder
        The folder, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, block: int) -> Path:
        return self._folder / f"{block:06}.npz"

    def missing(self, n_blocks: int) -> list[int]:
        """As of `BlockStore`; what was cut off or altered is missing too."""
        return [block for block in range(n_blocks) if read_block(self._path(block), ARRAYS) is None]

    def put(self, block: int, mapped: MappedBlock) -> None:
        """As of `BlockStore`.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            write_block(self._path(block), mapped.arrays())
        except OutputError as error:
            raise OutputError(
                error.problem,
                expected="room on the disk, some 300 bytes a pixel",
                remedy="make room, then repeat the command: what is mapped so far is kept",
            ) from error

    def arrays(self, block: int, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """As of `BlockStore`.

        Raises
        ------
        OutputError
            If the block has gone since it was written.
        """
        arrays = read_block(self._path(block), names)
        if arrays is None:
            raise OutputError(
                f"{self._path(block)} was altered while it was in use.",
                expected="a folder that nobody else writes to",
                remedy="repeat the command",
            )
        return arrays


def pixels_of(
    store: BlockStore, n_blocks: int, names: Sequence[str], shape: tuple[int, int]
) -> dict[str, NDArray[Any]]:
    """Put arrays of all blocks together, shapes (y, x) or (y, x, ...)."""
    whole: dict[str, NDArray[Any]] = {}
    first = 0
    for block in range(n_blocks):
        arrays = store.arrays(block, names)
        for name, values in arrays.items():
            if name not in whole:
                whole[name] = np.empty((shape[0] * shape[1], *values.shape[1:]), values.dtype)
            whole[name][first : first + len(values)] = values
        first += len(arrays[names[0]])
    return {name: values.reshape(*shape, *values.shape[1:]) for name, values in whole.items()}
