"""Spectra that are simulated once and read by each network that is fitted to them."""

import dataclasses

import pytest
import torch

from lithoscope.errors import OutputError
from lithoscope.workflows.study import learners, spectra
from lithoscope.workflows.study.arm import Case
from lithoscope.workflows.study.kept_stream import KeptBatches, KeptStream, kept_stream
from lithoscope.workflows.study.size import QUICK

_TINY = dataclasses.replace(
    QUICK,
    spectra=256,
    machines=1,
    per_machine=512,
    groups=("quartz", "orthoclase", "annite", "galena"),
)
_CASE = Case.model_validate({"learner": "cnn"})


class _CutOff:
    """A stream that is stopped once, while a batch is written."""

    def __init__(self, source, at):
        self.source, self.at = source, at

    def batch(self, number):
        if number == self.at:
            self.at = None
            raise KeyboardInterrupt
        return self.source.batch(number)


def _assert_the_same(kept, source, batches):
    for number in range(batches):
        read, made = kept.batch(number), source.batch(number)
        assert torch.equal(read.counts, made.counts)
        assert torch.equal(read.classes, made.classes)
        assert (read.counts.dtype, read.classes.dtype) == (made.counts.dtype, made.classes.dtype)


def test_batches_are_read_as_they_were_simulated():
    source = spectra.to_fit(_CASE, _TINY, 0)
    kept = KeptStream()
    kept.simulate(source, 3)
    _assert_the_same(kept, source, 3)
    assert kept.processor_s(3) > kept.processor_s(1) > kept.processor_s(0) == 0.0


def test_a_stream_is_gone_on_with_and_what_was_cut_off_is_made_again():
    source, kept = spectra.to_fit(_CASE, _TINY, 0), KeptStream()
    with pytest.raises(KeyboardInterrupt):
        kept.simulate(_CutOff(source, 2), 4)
    spent = kept.processor_s(2)
    kept.simulate(source, 4)
    _assert_the_same(kept, source, 4)
    assert kept.processor_s(2) == spent


def test_what_is_there_is_not_simulated_again():
    source, kept = spectra.to_fit(_CASE, _TINY, 0), KeptStream()
    kept.simulate(source, 2)
    kept.simulate(_CutOff(source, 1), 2)


def test_a_full_disk_is_told_and_nothing_of_it_is_read(monkeypatch):
    class Full:
        def seek(self, place):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

    source, kept = spectra.to_fit(_CASE, _TINY, 0), KeptStream()
    kept.simulate(source, 1)
    whole = kept._file
    monkeypatch.setattr(kept, "_file", Full())
    with pytest.raises(OutputError, match="No space left"):
        kept.simulate(source, 2)
    monkeypatch.setattr(kept, "_file", whole)
    assert kept.processor_s(0) == 0.0
    kept.simulate(source, 2)
    _assert_the_same(kept, source, 2)


def test_streams_are_told_apart_by_all_that_spectra_depend_on():
    changes = (
        {"trained_under": "poisson"},
        {"axis": "channels"},
        {"instruments": ["xmimsim"]},
        {"physics_left_out": ["scatter"]},
        {"left_out": 0.1},
    )
    cases = [_CASE.model_validate({"learner": "cnn", **one}) for one in changes]
    assert len({one.simulated() for one in (_CASE, *cases)}) == 1 + len(changes)
    alike = Case.model_validate({"learner": "mlp", "spectra_share": 0.5, "levels": [30.0]})
    assert alike.simulated() == _CASE.simulated()


def test_networks_of_one_stream_simulate_once(monkeypatch):
    """And come out as from the stream itself."""
    kept_stream.cache_clear()
    counts = spectra.to_fit(_CASE, _TINY, 5).batch(0).counts
    scores = []
    for _ in range(2):
        learners.simulate(_CASE, _TINY, 0)
        learnt = learners.fitted(_CASE, _TINY, 0)
        scores.append(learnt.scores(counts))
    assert (scores[0] == scores[1]).all()
    assert learnt.cost["simulating_cpu_s"] > 0
    assert kept_stream.cache_info().misses == 1
    monkeypatch.setattr(learners, "KeptBatches", lambda source, kept: source)
    assert (learners.fitted(_CASE, _TINY, 0).scores(counts) == scores[0]).all()


def test_training_is_told_what_the_stream_is():
    source = spectra.to_fit(_CASE, _TINY, 3)
    batches = KeptBatches(source, KeptStream())
    assert (batches.labels, batches.condition, batches.seed) == (
        source.labels,
        source.condition,
        3,
    )
