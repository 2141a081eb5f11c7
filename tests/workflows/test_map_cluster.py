"""Many scans in several processes: the same maps, whatever fails on the way."""

import csv
import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import xarray as xr

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import ClusterError, InvalidValueError
from lithoscope.workflows.map_files import MapOptions, map_each, map_file
from lithoscope.workflows.map_outcome import write_summary
from lithoscope.workflows.simulate import simulate

distributed = pytest.importorskip("distributed")
from lithoscope.workflows import map_client, map_cluster, map_worker  # noqa: E402
from lithoscope.workflows.map_client import cluster_client  # noqa: E402
from lithoscope.workflows.map_cluster import ClusterMapper  # noqa: E402

# Workers cannot import this file: what they get of it is sent whole.
cloudpickle = pytest.importorskip("cloudpickle")
cloudpickle.register_pickle_by_value(sys.modules[__name__])

# A block has some 4096 pixels: three blocks of 40 rows, the last one not full.
SHAPE = (100, 100)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Two small scans on 512 channels, and a file that is none."""
    folder = tmp_path_factory.mktemp("scans")
    fine = [simulate(name, instrument="m4-tornado") for name in ("quartz", "calcite", "pyrite")]
    axis = EnergyAxis(0.0, fine[0].axis.gain_keV * 4, 512)
    expected = np.array([one.counts[:2048].reshape(512, 4).sum(axis=1) for one in fine])
    expected *= 1500 / expected.sum(axis=1, keepdims=True)
    for number, name in enumerate(("first", "third")):
        rng = np.random.default_rng(number)
        counts = rng.poisson(expected[rng.integers(3, size=SHAPE)]).astype(np.uint8)
        np.savez(folder / f"{name}.npz", counts=counts, energy_keV=axis.energies_keV)
    (folder / "second.npz").write_bytes(b"no archive")
    return [folder / f"{name}.npz" for name in ("first", "second", "third")]


@pytest.fixture(scope="module")
def client():
    with cluster_client(workers=1, scheduler=None) as client:
        yield client


@pytest.fixture(scope="module")
def alone(scans, tmp_path_factory):
    """The first scan, mapped by this process."""
    folder = tmp_path_factory.mktemp("alone") / "first"
    map_file(scans[0], folder)
    return folder


def run(client, scans, tmp_path, **options):
    folders = [tmp_path / scan.stem for scan in scans]
    mapper = ClusterMapper(client, MapOptions(**options), lambda name, done, total: None)
    return {outcome.scan.stem: outcome for outcome in mapper(scans, folders)}


def layers(folder):
    with xr.open_zarr(folder / "result.zarr") as found:
        return found.load()


def test_a_bad_file_does_not_stop_the_rest(client, scans, alone, tmp_path):
    found = run(client, scans, tmp_path)
    assert {name: outcome.outcome for name, outcome in found.items()} == {
        "first": "mapped",
        "second": "failed",
        "third": "mapped",
    }
    assert "second.npz" in found["second"].reason
    xr.testing.assert_identical(layers(tmp_path / "first"), layers(alone))
    assert (tmp_path / "first" / "minerals.csv").read_bytes() == (
        alone / "minerals.csv"
    ).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "third"]

    table, _ = write_summary(list(found.values()), tmp_path / "summary")
    with table.open() as stream:
        rows = {row["scan"].rsplit("/")[-1]: row for row in csv.DictReader(stream)}
    assert rows["second.npz"]["outcome"] == "failed"
    assert rows["second.npz"]["folder"] == ""
    assert rows["first.npz"]["pixels"] == "10000"
    assert [row["outcome"] for row in json.loads((tmp_path / "summary.json").read_text())].count(
        "mapped"
    ) == 2

    again = run(client, scans, tmp_path)
    assert again["first"].outcome == again["third"].outcome == "already there"
    other = run(client, scans[:1], tmp_path, minerals=["quartz", "calcite"])
    assert other["first"].outcome == "failed"
    assert "not an empty folder" in other["first"].reason


def test_one_process_does_the_same_with_many_scans(scans, alone, tmp_path):
    folders = [tmp_path / scan.stem for scan in scans[:2]]
    found = list(map_each(scans[:2], folders, MapOptions(), lambda name, done, total: None))
    assert [outcome.outcome for outcome in found] == ["mapped", "failed"]
    xr.testing.assert_identical(layers(folders[0]), layers(alone))


def test_a_worker_that_dies_costs_nothing_but_time(client, scans, alone, tmp_path):
    killed = []

    def kill_once(name, done, total):
        if not killed:
            killed.extend(client.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)

    mapper = ClusterMapper(client, MapOptions(), kill_once)
    (outcome,) = mapper(scans[:1], [tmp_path / "first"])
    assert outcome.outcome == "mapped"
    assert killed[0] not in client.run(os.getpid).values()
    xr.testing.assert_identical(layers(tmp_path / "first"), layers(alone))


def _deadly(scan, first, last):
    os._exit(1)


def test_a_block_that_kills_every_worker_is_given_up(client, scans, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(map_worker, "map_rows", _deadly)
    found = run(client, scans[:1], tmp_path)
    assert found["first"].outcome == "failed"
    assert "workers died" in found["first"].reason
    monkeypatch.undo()
    found = run(client, scans[:1], tmp_path)
    assert found["first"].outcome == "mapped"


def _flaky(scan, first, last):
    mark = f"{scan.path}.{os.getppid()}.{first}.tried"
    if not os.path.exists(mark):
        open(mark, "w").close()
        raise OSError("the network is down")
    return _map_rows(scan, first, last)


_map_rows = map_worker.map_rows


def test_failures_are_tried_again(client, scans, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(map_worker, "map_rows", _flaky)
    found = run(client, scans[:1], tmp_path)
    assert len(list(scans[0].parent.glob("*.tried"))) == 3
    assert found["first"].outcome == "mapped"
    xr.testing.assert_identical(layers(tmp_path / "first"), layers(alone))


def test_a_worker_that_differs_is_told(client, scans, tmp_path, monkeypatch):
    monkeypatch.setattr(map_cluster, "versions", lambda: {"torch": "0.1"})
    found = run(client, scans[:1], tmp_path)
    assert found["first"].outcome == "failed"
    assert "other versions" in found["first"].reason
    assert "torch 0.1" in found["first"].reason


def test_workers_take_the_model_that_suits_the_instrument(client, scans, tmp_path):
    found = run(client, scans[:1], tmp_path, instrument="m4-tornado-plus")
    assert found["first"].outcome == "mapped"
    assert json.loads((tmp_path / "first" / "run.json").read_text())["model"] == "m4-tornado-plus"
    alone, _ = map_file(scans[0], tmp_path / "alone", instrument="m4-tornado-plus")
    np.testing.assert_array_equal(
        layers(tmp_path / "first")["mineral"].values, alone.dataset["mineral"].values
    )


def nobody():
    """A scheduler without workers."""
    return distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None)


def test_workers_that_stay_away_are_not_waited_for(scans, tmp_path, monkeypatch):
    monkeypatch.setattr(map_cluster, "_LOOK_S", 0.1)
    monkeypatch.setattr(map_cluster, "_NOBODY_S", 1.0)
    with nobody() as cluster, distributed.Client(cluster) as client:
        found = run(client, scans, tmp_path)
    assert [outcome.outcome for outcome in found.values()] == ["failed"] * 3
    assert "no worker has been there for 1 s" in found["first"].reason
    assert "second.npz" in found["second"].reason


class Deserted:
    """A client whose workers have gone."""

    def register_plugin(self, plugin):
        pass

    def nthreads(self):
        return {}


def test_time_in_which_blocks_came_is_not_time_without_workers(monkeypatch):
    """Workers that go after an hour of work are waited for as long as those that never came."""
    now, waits = [0.0], []

    def wait(futures, **how):
        now[0] += 60.0 if waits else 3600.0
        waits.append(now[0])
        if len(waits) > 1:
            raise TimeoutError

    monkeypatch.setattr(distributed, "wait", wait)
    monkeypatch.setattr(map_cluster.time, "monotonic", lambda: now[0])
    mapper = ClusterMapper(Deserted(), MapOptions(model="default"), lambda name, done, total: None)
    mapper._wait([])
    mapper._wait([])
    # After the block that came at 3600 s: 60 and 120 s are not too long, 180 s are.
    assert waits == [3600.0, 3660.0, 3720.0, 3780.0]


def test_a_scheduler_that_goes_is_told(scans, tmp_path):
    with nobody() as cluster, distributed.Client(cluster.scheduler_address) as client:
        leaving = threading.Timer(1.0, cluster.close)
        leaving.start()
        with pytest.raises(ClusterError, match="connection to the scheduler is lost"):
            run(client, scans[:1], tmp_path)
        leaving.join()


def test_clusters_that_are_not_there(monkeypatch):
    with (
        pytest.raises(InvalidValueError, match="0 workers"),
        cluster_client(workers=0, scheduler=None),
    ):
        pass
    monkeypatch.setattr(map_client, "_CONNECT_S", "1s")
    begun = time.monotonic()
    with (
        pytest.raises(ClusterError, match="No scheduler answers"),
        cluster_client(workers=None, scheduler="tcp://127.0.0.1:9"),
    ):
        pass
    assert time.monotonic() - begun < 30
    with (
        nobody() as cluster,
        pytest.raises(ClusterError, match="no workers"),
        cluster_client(workers=None, scheduler=cluster.scheduler_address),
    ):
        pass
