"""The pass over a scan: one thread reads ahead while others predict what was read.

Each predicts blocks of its own with one thread of torch's. So none waits for another inside a
block, which on a busy machine takes longer than the work itself, and a block's result does not
depend on how many they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from lithoscope.workflows.map_blocks import BlockMapper, MappedBlock
from lithoscope.workflows.map_partial import BlockStore

# Blocks that are read ahead; each is some 10 MB on the model's axis.
_AHEAD = 2

Progress = Callable[[int, int], None]


def map_blocks(mapper: BlockMapper, store: BlockStore, progress: Progress) -> int:
    """Map the blocks that are missing; return how many these were.

    Parameters
    ----------
    mapper
        Reads and predicts.
    store
        Keeps blocks; those that it has are not mapped again.
    progress
        Called with pixels done and pixels in all.

    Raises
    ------
    ScanError
        If the file is damaged.
    OutputError
        If a block cannot be kept.
    """
    plan = mapper.plan
    missing = store.missing(plan.n_blocks)
    done = plan.n_pixels - sum(plan.pixels(block) for block in missing)
    progress(done, plan.n_pixels)
    threads = torch.get_num_threads()
    stream = _Stream(mapper, threads)
    try:
        waiting: deque[tuple[int, Future[MappedBlock]]] = deque()
        to_come = iter(missing)
        for _ in missing:
            while len(waiting) < threads + _AHEAD and (ahead := next(to_come, None)) is not None:
                waiting.append((ahead, stream.submit(*plan.rows(ahead))))
            block, mapped = waiting.popleft()
            store.put(block, mapped.result())
            done += plan.pixels(block)
            progress(done, plan.n_pixels)
    finally:
        stream.close()
        torch.set_num_threads(threads)
    return len(missing)


class _Stream:
    """A thread that reads and threads that predict.

    Parameters
    ----------
    mapper
        Reads and predicts.
    threads
        How many predict.
    """

    def __init__(self, mapper: BlockMapper, threads: int) -> None:
        self._mapper = mapper
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._predictors = ThreadPoolExecutor(
            threads, thread_name_prefix="predict", initializer=torch.set_num_threads, initargs=(1,)
        )
        self._reader.submit(_load_what_results_need)

    def submit(self, first: int, last: int) -> Future[MappedBlock]:
        """Have rows `first` to ``last - 1`` read, then predicted."""
        read = self._reader.submit(self._mapper.read, first, last)
        return self._predictors.submit(lambda: self._mapper.predict(read.result()))

    def close(self) -> None:
        """End all threads; what has not begun does not begin."""
        self._predictors.shutdown(wait=False, cancel_futures=True)
        self._reader.shutdown(wait=True, cancel_futures=True)
        self._predictors.shutdown(wait=True)


def _load_what_results_need() -> None:
    """Import while others predict what else would be imported after the last block."""
    import xarray as xr
    import zarr  # noqa: F401

    # Only its first use has xarray look for the kinds of arrays that are installed.
    xr.Dataset({"one": ("x", [0])})
