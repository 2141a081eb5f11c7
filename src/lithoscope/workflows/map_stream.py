"""The pass over a scan: one thread reads ahead while another predicts and keeps the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from lithoscope.workflows.map_blocks import BlockMapper, ReadBlock
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
    n_pixels = plan.n_pixels
    done = n_pixels - sum(plan.pixels(block) for block in missing)
    progress(done, n_pixels)
    waiting: deque[tuple[int, Future[ReadBlock]]] = deque()
    to_come = iter(missing)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        reader.submit(_load_what_results_need)
        try:
            for block in missing:
                while len(waiting) <= _AHEAD and (ahead := next(to_come, None)) is not None:
                    waiting.append((ahead, reader.submit(mapper.read, *plan.rows(ahead))))
                _, read = waiting.popleft()
                store.put(block, mapper.predict(read.result()))
                done += plan.pixels(block)
                progress(done, n_pixels)
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
    return len(missing)


def _load_what_results_need() -> None:
    """Import while others predict what else would be imported after the last block."""
    import xarray as xr
    import zarr  # noqa: F401

    # Only its first use has xarray look for the kinds of arrays that are installed.
    xr.Dataset({"one": ("x", [0])})
