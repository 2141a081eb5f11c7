"""The stream: seeded, never repeating, balanced, and each spectrum as if it were alone."""

import numpy as np
import pytest
import torch

from lithoscope.core.rebin import rebin_matrix
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.distortions import NAMES
from lithoscope.synthesis.expected import ExpectedBatch

REALISTIC = dict.fromkeys(NAMES, 2.0)
HARSH = dict.fromkeys(NAMES, 4.0)


def without(severities, *names):
    return {name: value for name, value in severities.items() if name not in names}


@pytest.fixture(scope="module")
def realistic(make_stream):
    return make_stream(REALISTIC)


def same(one, other):
    """Whether two batches are the same in all that they hold."""
    for name in ("counts", "expected", "classes", "minerals", "fractions", "totals"):
        if not torch.equal(getattr(one, name), getattr(other, name)):
            return False
    return all(
        torch.equal(value, other.parameters[name][key])
        for name, values in one.parameters.items()
        for key, value in values.items()
    )


def test_a_batch_depends_on_seed_and_number_alone(realistic, make_stream):
    fifth, first, ninth = (realistic.batch(number) for number in (5, 1, 9))
    fresh = make_stream(REALISTIC)
    assert same(fresh.batch(1), first)
    assert same(fresh.batch(9), ninth)
    assert same(next(make_stream(REALISTIC).batches(5)), fifth)
    assert not same(first, fifth)


def test_other_seeds_give_other_spectra(realistic, make_stream):
    one, other = realistic.batch(0), make_stream(REALISTIC, seed=2).batch(0)
    assert not torch.equal(one.fractions, other.fractions)
    for name, values in one.parameters.items():
        assert any(
            not torch.equal(value, other.parameters[name][key]) for key, value in values.items()
        ), name


@pytest.mark.parametrize("severities", [without(REALISTIC, "poisson"), without(HARSH, "poisson")])
def test_a_batch_equals_its_spectra_one_by_one(severities, make_stream):
    stream = make_stream(severities, batch_size=48)
    generation, order = stream.maker.latest(0)
    rows = order[:48]
    batch = stream.measure(ExpectedBatch(generation, rows), stream._draws(0))
    for row in range(48):
        part = {
            name: {key: value[row : row + 1] for key, value in values.items()}
            for name, values in batch.parameters.items()
        }
        alone = ExpectedBatch(generation, rows[row : row + 1])
        expected, counts = stream.apply(alone, part, batch.totals[row : row + 1])
        assert torch.equal(expected, counts)
        torch.testing.assert_close(
            expected[0], batch.expected[row], rtol=2e-4, atol=1e-6 * batch.totals[row].item()
        )


@pytest.mark.parametrize("target", ["bins", "channels"])
def test_everything_drawn_is_recorded_and_tells_all(target, make_stream):
    """Applying what a batch has recorded gives its counts again, noise included."""
    stream = make_stream(REALISTIC, target=target)
    batch = stream.batch(0)
    assert tuple(sorted(batch.parameters)) == tuple(sorted(NAMES))
    for name, values in batch.parameters.items():
        assert values, name
        assert all(len(value) == len(batch) for value in values.values()), name
    generation, order = stream.maker.latest(0)
    again = stream.apply(
        ExpectedBatch(generation, order[: len(batch)]), batch.parameters, batch.totals
    )
    assert torch.equal(again[0], batch.expected)
    assert torch.equal(again[1], batch.counts)
    assert torch.equal(batch.counts, batch.counts.round())


def test_workers_share_no_generation(make_stream):
    streams = [make_stream(REALISTIC, shard=(worker, 2)) for worker in range(2)]
    per_generation = streams[0]._per_generation
    seen = [
        {row.tobytes() for turn in (0, 1) for row in rows_of(stream, turn * per_generation)}
        for stream in streams
    ]
    assert len(seen[0]) > 10
    assert not seen[0] & seen[1]
    # Together they see what one alone sees.
    alone = make_stream(REALISTIC)
    first = {row.tobytes() for row in rows_of(alone, 0)}
    second = {row.tobytes() for row in rows_of(alone, per_generation)}
    assert first & seen[0]
    assert second & seen[1]


def rows_of(stream, number):
    """Compositions of a batch, of minerals that vary: all but epoxy, which has traces too."""
    return stream.batch(number).fractions.numpy()


def test_no_composition_comes_twice(make_stream):
    stream = make_stream({"poisson": 2.0}, batch_size=64)
    # Ten batches reach over five generations, and over two blocks of compositions.
    rows = np.concatenate([stream.batch(number).fractions.numpy() for number in range(10)])
    assert len(rows) == 640
    assert len(np.unique(rows, axis=0)) == 640


def test_classes_are_balanced(make_stream):
    stream = make_stream({"poisson": 2.0})
    # Compositions are drawn for four generations at once; each class has as many of them.
    classes = np.concatenate(
        [stream.batch(number).classes.numpy() for number in range(4 * stream._per_generation)]
    )
    assert np.ptp(np.bincount(classes, minlength=5)) <= 1
    # A batch is a random part.
    assert np.bincount(stream.batch(0).classes.numpy(), minlength=5).min() > 0


def test_truth_is_that_of_the_composition(realistic, minerals):
    batch = realistic.batch(2)
    assert torch.equal(batch.classes, batch.minerals)
    torch.testing.assert_close(batch.fractions.sum(dim=1), torch.ones(32), rtol=1e-5, atol=0)
    iron, potassium = (realistic.symbols.index(name) for name in ("Fe", "K"))
    for mineral, row in zip(batch.minerals, batch.fractions, strict=True):
        name = minerals[int(mineral)].name
        assert (row[iron] > 0.5) == (name == "hematite")
        assert (row[potassium] > 0.05) == (name == "orthoclase")


def test_expected_counts_sum_to_what_was_asked(make_stream):
    stream = make_stream(without(REALISTIC, "poisson", "channels"), batch_size=64)
    batch = stream.batch(0)
    sums = batch.expected.double().sum(dim=1) / batch.totals
    # Lines near the ends of 0.8 to 39.5 keV move over them.
    assert sums.min() > 0.98
    assert sums.max() < 1.02
    assert sums.mean().item() == pytest.approx(1, abs=2e-3)
    still = make_stream(without(REALISTIC, "poisson", "channels", "energy", "zero_peak"))
    batch = still.batch(0)
    torch.testing.assert_close(batch.expected.sum(dim=1), batch.totals, rtol=1e-4, atol=0)


def test_the_zero_peak_adds_to_what_was_asked(make_stream):
    """On channels from 0 keV on half of its pulses are seen."""
    names = ("poisson", "channels", "energy")
    stream = make_stream(without(REALISTIC, *names), target="channels")
    batch = stream.batch(0)
    pulses = batch.parameters["zero_peak"]["pulses_per_count"]
    # Channel 0 is cut at -6 eV.
    expected = batch.totals * (1 + 0.53 * pulses)
    torch.testing.assert_close(batch.expected.sum(dim=1), expected, rtol=0.03, atol=0)


def test_counts_are_log_uniform_between_the_condition_s(make_stream, minerals):
    from lithoscope.synthesis.conditions import Condition

    stream = make_stream({"poisson": 2.0}, batch_size=64)
    stream.condition = Condition("wide", {"poisson": 2.0}, (30.0, 3e5))
    totals = torch.cat([stream.batch(number).totals for number in range(8)])
    place = (torch.log(totals / 30) / np.log(1e4)).double()
    assert place.min() >= 0
    assert place.max() <= 1
    assert place.mean().item() == pytest.approx(0.5, abs=0.06)
    assert place.std().item() == pytest.approx(np.sqrt(1 / 12), abs=0.04)


def test_targets_of_channels_and_of_bins_agree(make_stream, targets):
    """The same spectra on 4096 channels and on 466 bins, in windows of two peak widths.

    To 1 %, and where a line stands on a window's edge to 1 % of what lies beside: what is
    interpolated between fine bins is 1.5 % wider.
    """
    severities = without(REALISTIC, "poisson", "channels")
    fine, coarse = (
        make_stream(severities, target=target).batch(3) for target in ("channels", "bins")
    )
    assert torch.equal(fine.fractions, coarse.fractions)
    onto = rebin_matrix(from_edges_keV=targets["channels"], to_edges_keV=targets["bins"])
    ours = fine.expected.double().numpy() @ onto
    ours /= ours.sum(axis=1, keepdims=True)
    theirs = coarse.expected.double().numpy()
    theirs /= theirs.sum(axis=1, keepdims=True)
    # Five bins of FWHM / 2.5: two peak widths each.
    ours, theirs = (array[:, :465].reshape(32, 93, 5).sum(axis=2) for array in (ours, theirs))
    beside = np.maximum(ours[:, 2:], ours[:, :-2])
    difference = np.abs(ours - theirs)[:, 1:-1]
    assert (difference < 0.01 * np.maximum(ours[:, 1:-1], beside) + 2e-5).all()
    assert (difference <= 3e-3 * ours[:, 1:-1]).mean() > 0.5


def test_noise_is_about_what_is_expected(make_stream):
    stream = make_stream(REALISTIC, counts=20_000.0)
    batch = stream.batch(0)
    likely = batch.expected > 20
    deviation = ((batch.counts - batch.expected) / batch.expected.sqrt())[likely].double()
    assert deviation.mean().item() == pytest.approx(0, abs=0.06)
    assert deviation.std().item() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "Batches of 0"),
        ({"shard": (2, 2)}, "Worker 2 of 2"),
        ({"shard": (-1, 2)}, "Worker -1 of 2"),
    ],
)
def test_impossible_streams_are_refused(options, message, make_stream):
    with pytest.raises(InvalidValueError, match=message):
        make_stream({}, **options)


def test_batches_larger_than_a_generation(make_stream):
    batch = make_stream({"poisson": 2.0}, batch_size=300).batch(0)
    assert len(batch) == 300


def test_count_levels_share_their_grains(make_stream, monkeypatch):
    """Making a generation costs seconds: eight levels must not make it eight times."""
    stream = make_stream({"poisson": 2.0, "energy": 2.0})
    made = []
    make = stream.maker.make
    monkeypatch.setattr(stream.maker, "make", lambda number: made.append(number) or make(number))
    few, many = (stream.at(counts).batch(0) for counts in (100.0, 10_000.0))
    assert made == [0]
    assert torch.equal(few.fractions, many.fractions)
    assert torch.equal(few.totals * 100, many.totals)
    torch.testing.assert_close(few.expected * 100, many.expected)
