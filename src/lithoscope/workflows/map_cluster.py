"""Many scans on many machines: blocks of rows as tasks of Dask's.

Files and results stay with the process that asks; workers read the scans themselves, get the model
once, and send back what a block leaves, some 250 bytes a pixel. Blocks are kept as they come, so
that what is broken off goes on as with one process, and finished maps are written by a thread of
their own while blocks of the next scan are mapped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lithoscope.errors import ClusterError
from lithoscope.io.aside import check_free, os_errors_told
from lithoscope.io.resumable import BLOCKS, resumable_folder
from lithoscope.models.checkpoint import digest_of_checkpoint
from lithoscope.workflows.map_files import MapOptions, is_done
from lithoscope.workflows.map_finish import finish_map
from lithoscope.workflows.map_outcome import THERE, Outcome
from lithoscope.workflows.map_partial import FolderBlocks
from lithoscope.workflows.map_plan import MapPlan
from lithoscope.workflows.mineral_map import files_in
from lithoscope.workflows.provenance import versions

if TYPE_CHECKING:
    from lithoscope.workflows.map_worker import RemoteScan

# Tries of a block after the first that failed.
_RETRIES = 2
# Blocks that are under way for each thread of the cluster: one that runs and some that wait.
_UNDER_WAY = 3
# While nothing comes, how often is looked whether anybody works on it, and how long nobody may.
_LOOK_S = 5.0
_NOBODY_S = 120.0


@dataclass(eq=False)
class _OpenScan:
    """A scan of which blocks are under way."""

    path: Path
    folder: Path
    plan: MapPlan
    remote: RemoteScan
    partial: Path
    store: FolderBlocks
    provenance: dict[str, Any]
    to_come: list[int]
    stack: ExitStack
    mapped: int = 0
    pixels_done: int = 0
    failure: Exception | None = None
    waiting: dict[Any, int] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @property
    def complete(self) -> bool:
        """Whether all blocks are there."""
        return self.failure is None and not self.to_come and not self.waiting

    def broken_off(self, error: BaseException) -> None:
        """Leave the folder as an error leaves it."""
        for future in self.waiting:
            future.cancel()
        try:
            with self.stack:
                raise error
        except type(error):
            pass


class ClusterMapper:
    """Maps files on a cluster; a bad one does not stop the rest.

    Parameters
    ----------
    client
        Of Dask distributed.
    options
        How they are mapped.
    progress
        Called with a file's name, pixels done and pixels in all.
    """

    def __init__(
        self, client: Any, options: MapOptions, progress: Callable[[str, int, int], None]
    ) -> None:
        from lithoscope.workflows.map_worker import ModelOnWorker

        if options.bragg_test:
            raise ClusterError(
                "The test for diffraction does not run on workers.",
                expected="--bragg-test in one process: it pools the pixels of a whole scan",
                remedy="leave out --workers and --scheduler, or --bragg-test",
            )
        self._client = client
        models = options.models()
        # One is loaded once; of several each file's instrument chooses.
        self._options = options if len(models) > 1 else replace(options, model=models[0])
        self._progress = progress
        client.register_plugin(ModelOnWorker(models))
        self._open: list[_OpenScan] = []
        self._workers_seen = time.monotonic()

    def __call__(self, scans: Sequence[Path], folders: Sequence[Path]) -> Iterator[Outcome]:
        """Yield what became of each file, in the order in which they end."""
        files = iter(zip(scans, folders, strict=True))
        finishing: list[Future[Outcome]] = []
        with ThreadPoolExecutor(1, thread_name_prefix="finish") as finisher:
            try:
                while True:
                    yield from self._fill(files)
                    if not self._open:
                        break
                    self._collect()
                    yield from self._given_up()
                    for scan in [scan for scan in self._open if scan.complete]:
                        self._open.remove(scan)
                        finishing.append(finisher.submit(self._finish, scan))
                    yield from _done(finishing)
                for future in finishing:
                    yield future.result()
            finally:
                for scan in self._open:
                    scan.broken_off(KeyboardInterrupt())

    def _given_up(self) -> Iterator[Outcome]:
        """Close the scans of which a block failed."""
        for scan in list(self._open):
            if scan.failure is not None:
                self._open.remove(scan)
                scan.broken_off(scan.failure)
                yield Outcome.of_error(scan.path, scan.folder, scan.failure)

    def _fill(self, files: Iterator[tuple[Path, Path]]) -> Iterator[Outcome]:
        """Send blocks to workers, and open files for that, until there is enough under way."""
        most = _UNDER_WAY * max(1, sum(self._client.nthreads().values()))
        while sum(len(scan.waiting) for scan in self._open) < most:
            scan = next((scan for scan in self._open if scan.to_come), None)
            if scan is not None:
                self._send(scan)
                continue
            named = next(files, None)
            if named is None:
                return
            try:
                found = self._begin(*named)
            except Exception as error:
                yield Outcome.of_error(*named, error)
                continue
            if isinstance(found, Outcome):
                yield found
                continue
            self._open.append(found)
            if found.complete:
                return

    def _begin(self, path: Path, folder: Path) -> _OpenScan | Outcome:
        if is_done(path, folder, self._options):
            return Outcome(path, folder, THERE, files=files_in(folder))
        check_free(folder)
        plan = self._options.plan(path)
        job = self._options.job(path, plan)
        with ExitStack() as stack:
            partial = stack.enter_context(resumable_folder(folder, job))
            store = FolderBlocks(partial / BLOCKS)
            missing = store.missing(plan.n_blocks)
            return _OpenScan(
                path=path,
                folder=folder,
                plan=plan,
                remote=self._remote(path, plan),
                partial=partial,
                store=store,
                provenance=self._options.provenance(path, job),
                to_come=missing,
                pixels_done=plan.n_pixels - sum(plan.pixels(block) for block in missing),
                stack=stack.pop_all(),
            )

    def _remote(self, path: Path, plan: MapPlan) -> RemoteScan:
        """What workers are told of a scan: once, since a model's digest takes its time."""
        from lithoscope.workflows.map_worker import RemoteScan, size_of

        return RemoteScan(
            path=str(path.resolve()),
            size=size_of(path),
            energy_axis=self._options.energy_axis,
            salvage=self._options.salvage,
            minerals=plan.minerals,
            instrument=self._options.instrument,
            model=digest_of_checkpoint(plan.checkpoint),
            versions=tuple(versions().items()),
        )

    def _send(self, scan: _OpenScan) -> None:
        from lithoscope.workflows.map_worker import map_rows

        block = scan.to_come.pop(0)
        future = self._client.submit(
            map_rows, scan.remote, *scan.plan.rows(block), pure=False, retries=_RETRIES
        )
        scan.waiting[future] = block

    def _collect(self) -> None:
        """Wait until some blocks are there, and keep them."""
        waiting = [future for scan in self._open for future in scan.waiting]
        if waiting and not any(scan.complete for scan in self._open):
            self._wait(waiting)
        for scan in self._open:
            try:
                for future in [future for future in scan.waiting if future.done()]:
                    block = scan.waiting.pop(future)
                    scan.store.put(block, future.result())
                    scan.mapped += 1
                    scan.pixels_done += scan.plan.pixels(block)
                    self._progress(scan.path.name, scan.pixels_done, scan.plan.n_pixels)
            except Exception as error:
                scan.failure = _told(error, scan.path)

    def _wait(self, waiting: list[Any]) -> None:
        """Wait until one of them is done, or nobody has been there to do it for too long."""
        from distributed import wait

        while True:
            try:
                wait(waiting, timeout=_LOOK_S, return_when="FIRST_COMPLETED")
                # Somebody was there just now.
                self._workers_seen = time.monotonic()
                return
            except CancelledError as problem:
                raise ClusterError(
                    f"The connection to the scheduler is lost: {problem}.",
                    expected="a scheduler that runs until all is mapped",
                    remedy="look into its log, then repeat the command: what is mapped is kept",
                ) from None
            except TimeoutError:
                now = time.monotonic()
                if self._client.nthreads():
                    self._workers_seen = now
                elif now - self._workers_seen > _NOBODY_S:
                    for scan in self._open:
                        scan.failure = _nobody(scan.path)
                    return

    def _finish(self, scan: _OpenScan) -> Outcome:
        """Make the map of a scan's blocks and write it."""
        seconds = time.perf_counter() - scan.started
        run = {
            **scan.provenance,
            "timings": {"classify_s": round(seconds, 2)},
            "blocks": {"all": scan.plan.n_blocks, "mapped_by_this_run": scan.mapped},
        }
        try:
            with scan.stack:
                result = finish_map(
                    scan.plan, scan.store, scan.plan.allowed, smooth=self._options.smooth, run=run
                )
                with os_errors_told(scan.folder):
                    result.write_into(scan.partial)
        except Exception as error:
            return Outcome.of_error(scan.path, scan.folder, error)
        return Outcome.of_map(
            scan.path, scan.folder, result, seconds=time.perf_counter() - scan.started
        )


def _told(error: Exception, path: Path) -> Exception:
    """Say in our words that a block was given up because workers died of it."""
    from distributed import KilledWorker

    if not isinstance(error, KilledWorker):
        return error
    return ClusterError(
        f"{path}: workers died while they mapped it ({error}).",
        expected="workers with some 2 GB of memory a thread",
        remedy="look into their logs, then repeat the command: what is mapped is kept",
    )


def _nobody(path: Path) -> Exception:
    return ClusterError(
        f"{path}: no worker has been there for {_NOBODY_S:.0f} s.",
        expected="one or more until all is mapped",
        remedy="look into their logs, start some, then repeat the command: what is mapped is kept",
    )


def _done(finishing: list[Future[Outcome]]) -> Iterator[Outcome]:
    """Yield what has ended, and take it off the list."""
    for future in [future for future in finishing if future.done()]:
        finishing.remove(future)
        yield future.result()
