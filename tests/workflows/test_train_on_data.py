"""Training on a data set: own, noise-free, and measured elsewhere on another axis."""

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import LabelSet
from lithoscope.core.rebin import rebin_counts
from lithoscope.errors import InvalidValueError, SpectrumError
from lithoscope.io import load_instrument
from lithoscope.models.checkpoint import load_checkpoint
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition
from lithoscope.synthesis.datasets.reading import load_dataset
from lithoscope.training.on_data import BinnedSplit, DatasetBatches, counted, split_on_axis
from lithoscope.training.validation import KeepBest, Validation
from lithoscope.workflows.classify import classify_spectra
from lithoscope.workflows.model_notes import card_of_model, notes_of_model
from lithoscope.workflows.recipe import load_recipe
from lithoscope.workflows.simulate import simulate
from lithoscope.workflows.train_on_data import train_on_data

COARSE = EnergyAxis(0.0, 0.04, 1000)
MINERALS = ("quartz", "halite", "hematite")
CONDITION = Condition("expected", {}, (100, 10_000))


@functools.cache
def coarse_spectrum(name):
    edges = load_instrument("m4-tornado").axis.edges_keV
    counts = simulate(name).counts
    return rebin_counts(counts, from_edges_keV=edges, to_edges_keV=COARSE.edges_keV)


def write_measured(folder, *, per_class=12, splits=("training", "validation", "test")):
    """Spectra as another laboratory might keep them: 40 eV channels, not a word of their make."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    expected = {name: coarse_spectrum(name) for name in MINERALS}
    for split in splits:
        names = np.repeat(MINERALS, per_class)
        shapes = np.array([expected[name] / expected[name].sum() for name in names])
        counts = rng.poisson(shapes * rng.uniform(2000, 9000, (len(names), 1))).astype(np.uint16)
        np.savez(
            folder / f"{split}.npz", counts=counts, energy_keV=COARSE.energies_keV, mineral=names
        )
    return folder


@pytest.fixture(scope="module")
def measured_model(tmp_path_factory):
    data = write_measured(tmp_path_factory.mktemp("data") / "standards")
    folder = tmp_path_factory.mktemp("models") / "measured"
    made = train_on_data(load_dataset(data), load_recipe("quick"), folder, epochs=12)
    return data, folder, made


def test_a_model_of_measured_spectra_knows_them_again(measured_model):
    _, folder, made = measured_model
    assert made.labels.labels == ("halite", "hematite", "quartz")
    assert made.card["accuracy_overall"]["spectra"] == 36
    assert made.card["accuracy_overall"]["network"] > 0.9
    loaded = load_checkpoint(folder)
    said = classify_spectra([simulate(name, counts=5000) for name in MINERALS], model=loaded)
    assert [answer["mineral"] for answer in said] == list(MINERALS)


def test_its_card_says_whose_spectra_they_are(measured_model):
    data, folder, made = measured_model
    text = (folder / "CARD.md").read_text()
    assert text == card_of_model(made)
    for part in (
        "'standards'",
        made.card["dataset"]["sha256"],
        "not Lithoscope's simulation, taken as they are",
        "12 epochs of 36 spectra",
        "test split, 36 spectra",
        "validation split",
        "assumed",
        "not asked",
    ):
        assert part in text, part
    assert "noise was put on" not in text
    assert "each seen once" not in text
    assert "test split" in " ".join(notes_of_model(made))
    # It has seen these counts and no others.
    training = split_on_axis(load_dataset(data), "training", ModelAxis()).totals
    assert made.condition.counts == pytest.approx((training.min(), training.max()))


def test_the_same_seed_gives_the_same_weights(measured_model, tmp_path):
    data, _, made = measured_model
    again = train_on_data(load_dataset(data), load_recipe("quick"), tmp_path / "again", epochs=12)
    for one, other in zip(made.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_axis_is_rebinned_and_counts_conserved(measured_model):
    dataset = load_dataset(measured_model[0])
    axis = ModelAxis()
    spectra = dataset.splits["test"]
    inside = rebin_counts(
        spectra.read(0, 36),
        from_edges_keV=COARSE.edges_keV,
        to_edges_keV=[axis.low_keV, axis.high_keV],
    )
    split = split_on_axis(dataset, "test", axis)
    np.testing.assert_allclose(split.totals, inside[:, 0], rtol=1e-5)


def one_split(spectra=10, bins=6):
    rng = np.random.default_rng(1)
    counts = rng.uniform(0.5, 2, (spectra, bins)).astype(np.float32)
    return BinnedSplit(counts, np.arange(spectra) % 2)


def batches_of(split, *, noisy, seed=3, batch_size=4):
    labels = LabelSet.of_minerals(["quartz", "halite"])
    return DatasetBatches(split, labels, CONDITION, batch_size=batch_size, seed=seed, noisy=noisy)


def test_measured_spectra_are_taken_as_they_are_in_an_order_of_each_epoch():
    split = one_split()
    batches = batches_of(split, noisy=False, batch_size=5)
    rows = {row.tobytes(): number for number, row in enumerate(split.counts)}
    orders = []
    for epoch in range(2):
        both = [batches.batch(2 * epoch + part) for part in range(2)]
        orders.append([rows[row.tobytes()] for batch in both for row in batch.counts.numpy()])
        assert sorted(orders[-1]) == list(range(10))
        classes = [int(label) for batch in both for label in batch.classes]
        assert classes == [number % 2 for number in orders[-1]]
    assert orders[0] != orders[1]
    assert torch.equal(batches_of(split, noisy=False, batch_size=5).batch(3).counts, both[1].counts)


def test_expected_spectra_are_counted_anew_each_time():
    batches = batches_of(one_split(4), noisy=True)
    first, second = batches.batch(0).counts, batches.batch(1).counts
    assert not torch.equal(first, second)
    assert torch.equal(first, first.round())
    assert torch.equal(batches_of(one_split(4), noisy=True).batch(1).counts, second)


def test_noise_is_poisson_about_totals_in_the_range():
    shape = np.array([[1.0, 2.0, 5.0]], dtype=np.float32)
    fixed = Condition("fixed", {}, (800.0, 800.0))
    drawn = counted(np.repeat(shape, 20_000, axis=0), fixed, np.random.default_rng(0))
    expected = 800 * shape[0] / 8
    np.testing.assert_allclose(drawn.mean(axis=0), expected, rtol=0.01)
    np.testing.assert_allclose(drawn.var(axis=0), expected, rtol=0.05)
    wide = counted(np.repeat(shape, 20_000, axis=0), CONDITION, np.random.default_rng(0))
    # Log-uniform from 100 to 10 000: half lie below 1000.
    assert (wide.sum(axis=1) < 1000).mean() == pytest.approx(0.5, abs=0.02)


def test_the_best_weights_in_validation_come_back():
    class Always(torch.nn.Module):
        """Names the class that its weight says."""

        def __init__(self):
            super().__init__()
            self.named = torch.nn.Parameter(torch.zeros(2))

        def forward(self, spectra, log_total):
            return self.named.expand(len(spectra), 2)

    network = Always()
    validation = Validation(torch.ones(3, 5), torch.tensor([1, 1, 0]), every=2)
    keeper = KeepBest(network, validation)
    module = SimpleNamespace(log=lambda name, value: None)
    for step, weights in ((1, [0.0, 9.0]), (2, [1.0, 0.0]), (4, [0.0, 1.0]), (6, [2.0, 0.0])):
        network.named.data = torch.tensor(weights)
        keeper.on_train_batch_end(SimpleNamespace(global_step=step), module)
    assert keeper.best == pytest.approx(2 / 3)
    resumed = KeepBest(network, validation)
    resumed.load_state_dict(keeper.state_dict())
    resumed.on_train_end()
    assert network.named.tolist() == [0.0, 1.0]


def test_patience_stops_training_and_is_kept_in_the_state():
    class Always(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.named = torch.nn.Parameter(torch.zeros(2))

        def forward(self, spectra, log_total):
            return self.named.expand(len(spectra), -1)

    network = Always()
    validation = Validation(torch.ones(3, 5), torch.tensor([1, 1, 0]), every=1, patience=2)
    keeper = KeepBest(network, validation)
    module, stops = SimpleNamespace(log=lambda name, value: None), []
    # Better, worse, better, equal, worse: two in a row that are no better come at the end.
    for step, weights in enumerate(([1.0, 0], [1.0, 0], [0, 1.0], [0, 1.0], [1.0, 0]), start=1):
        network.named.data = torch.tensor(weights)
        trainer = SimpleNamespace(global_step=step, should_stop=False)
        keeper.on_train_batch_end(trainer, module)
        stops.append(trainer.should_stop)
    assert stops == [False, False, False, False, True]
    resumed = KeepBest(network, validation)
    resumed.load_state_dict(keeper.state_dict())
    assert resumed.waited == 2
    with pytest.raises(InvalidValueError, match="Patience of 0 trials"):
        Validation(torch.ones(2, 3), torch.zeros(2), every=1, patience=0)


def test_training_is_over_when_patience_is(tmp_path):
    data = write_measured(tmp_path / "data")
    # A rate that moves nothing: no epoch is better than the first.
    recipe = load_recipe("quick").model_copy(update={"learning_rate": 1e-12})
    seen = []

    def progress(stage, done, total, note):
        if stage == "train":
            seen.append((done, total))

    train_on_data(
        load_dataset(data), recipe, tmp_path / "m", epochs=10, patience=2, progress=progress
    )
    done, total = seen[-1]
    assert done == 3 * total // 10


def test_patience_needs_a_validation_split(tmp_path):
    data = write_measured(tmp_path / "data", splits=("training", "test"))
    with pytest.raises(InvalidValueError, match="no validation split"):
        train_on_data(load_dataset(data), load_recipe("quick"), tmp_path / "m", patience=3)


def test_bad_values():
    with pytest.raises(InvalidValueError, match="Batches of 11"):
        batches_of(one_split(), noisy=False, batch_size=11)
    with pytest.raises(InvalidValueError, match="3 spectra with 2 classes"):
        BinnedSplit(np.ones((3, 2), dtype=np.float32), np.zeros(2, dtype=np.int64))
    with pytest.raises(InvalidValueError, match="to validate on"):
        Validation(torch.ones(2, 3), torch.zeros(2), every=0)


def test_spectra_without_counts_are_named(tmp_path):
    write_measured(tmp_path)
    with np.load(tmp_path / "test.npz") as held:
        arrays = dict(held)
    arrays["counts"][7] = 0
    np.savez(tmp_path / "test.npz", **arrays)
    with pytest.raises(SpectrumError, match=r"1 spectra, the first of number 7"):
        split_on_axis(load_dataset(tmp_path), "test", ModelAxis())


def test_the_command_on_a_data_set_of_its_own(lithoscope, tmp_path):
    status, _, err = lithoscope(
        *("dataset", "--minerals", "quartz,halite", "-n", 40, "--split", "50,50"),
        *("--condition", "ideal", "--counts", "1000,2000", "-o", tmp_path / "own"),
    )
    assert status == 0, err
    model = tmp_path / "model"
    status, out, err = lithoscope(
        *("train", "--data", tmp_path / "own", "--recipe", "quick", "--epochs", 40, "-o", model)
    )
    assert status == 0, err
    assert "test split" in out
    description = json.loads((model / "model.json").read_text())
    assert description["instruments"] == ["m4-tornado"]
    assert description["condition"]["severities"] == {"poisson": 2.0}
    assert "noise was put on, anew for each epoch" in description["card"]["trained_on"]
    assert description["card"]["accuracy_overall"]["network"] > 0.8


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--data", "none"], ["no folder", "docs/datasets.md"]),
        (["--data", "empty"], ["no training"]),
        (["--data", "good", "--minerals", "quartz"], ["--minerals with --data"]),
        (
            ["--data", "good", "--spectra", "9", "--condition", "ideal"],
            ["--condition", "--spectra"],
        ),
        (["--data", "good", "--instrument", "m5"], ["m4-tornado"]),
        (["--data", "good", "--model", "cnm"], ["cnm"]),
        (["--data", "good", "-o", "good"], ["holds other files"]),
        (["--epochs", "3"], ["--epochs without --data"]),
    ],
)
def test_bad_commands(lithoscope, tmp_path, options, expected):
    (tmp_path / "empty").mkdir()
    write_measured(tmp_path / "good", per_class=1)
    options = [tmp_path / part if part in ("none", "empty", "good") else part for part in options]
    before = sorted(tmp_path.rglob("*"))
    status, _, err = lithoscope("train", "-o", tmp_path / "model", *options)
    assert status == 2, err
    assert "Traceback" not in err
    for part in expected:
        assert part in err
    assert sorted(tmp_path.rglob("*")) == before
