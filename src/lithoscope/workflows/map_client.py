"""A Dask cluster to map on: one that runs already, or processes that are started here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lithoscope.errors import ClusterError, InvalidValueError

_CONNECT_S = "20s"
# A worker that died is back in seconds, on a busy machine in a minute. Dask writes it off after
# 15 s, starts no other, and what is to be done waits for ever.
_BACK_WITHIN = "600s"
# A thread a worker. Dask would have freed memory go back to the system at once, so that each block
# asks for its gigabyte anew: four tenths of the workers' time.
_ENVIRONMENT = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}


@contextmanager
def cluster_client(*, workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Give a client of a scheduler, or of workers that are started on this machine.

    Parameters
    ----------
    workers
        Processes to start here.
    scheduler
        Address of a scheduler that runs already; `workers` is then not used.

    Raises
    ------
    ClusterError
        If Dask distributed is not installed, no scheduler answers, or it has no workers.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise ClusterError(
            "Dask distributed is not installed.",
            expected="the extra 'distributed', which --workers and --scheduler need",
            remedy="pip install 'lithoscope[distributed]'",
        ) from None
    if scheduler is not None:
        with _connected(Client, scheduler) as client:
            yield client
        return
    if workers is None or workers < 1:
        raise InvalidValueError(f"{workers} workers.", expected="1 or more")
    with (
        dask.config.set(
            {
                "distributed.deploy.lost-worker-timeout": _BACK_WITHIN,
                "distributed.nanny.pre-spawn-environ": _ENVIRONMENT,
            }
        ),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _connected(client_class: Any, scheduler: str) -> Any:
    try:
        client = client_class(scheduler, timeout=_CONNECT_S)
    except (OSError, ValueError) as problem:
        raise ClusterError(
            f"No scheduler answers at {scheduler}: {problem}.",
            expected="the address of a running one, such as tcp://10.0.0.1:8786",
            remedy="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from None
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.close()
        raise ClusterError(
            f"The scheduler at {scheduler} has no workers.",
            expected="one or more",
            remedy=f"start some with `dask worker {scheduler}`",
        )
    return client
