"""Net counts of lines that the stream tells, against the readable reference and by hand."""

import numpy as np
import pytest
import torch

from lithoscope.core.composition import Composition
from lithoscope.errors import InvalidValueError
from lithoscope.physics.detection import counts_per_photon
from lithoscope.physics.emission import emission_from_sample
from lithoscope.physics.line_groups import LineGroup
from lithoscope.physics.source import source_from_instrument
from lithoscope.synthesis.distortions import NAMES
from lithoscope.synthesis.line_truth import NO_TRUTH


def shell_of(macro):
    """xraylib numbers transitions into the K shell to -29, into L to -113, into M to -219."""
    return "K" if macro >= -29 else "L" if macro >= -113 else "M"


def reference(composition, instrument, edges_keV):
    """Counts of each group, and all scattered counts, by the readable reference."""
    emission = emission_from_sample(
        composition=composition,
        instrument=instrument,
        source=source_from_instrument(instrument=instrument),
    )

    def counts(photons, energies_keV):
        response = counts_per_photon(
            instrument=instrument, energies_keV=energies_keV, edges_keV=edges_keV
        )
        return photons * response.sum(axis=1)

    symbols = [symbol for symbol, _ in composition]
    groups = {}
    each = counts(emission.line_photons, emission.lines.energies_keV)
    for value, element, macro in zip(
        each, emission.lines.elements, emission.lines.macros, strict=True
    ):
        name = f"{symbols[element]} {shell_of(macro)}"
        groups[name] = groups.get(name, 0.0) + value
    scattered = counts(emission.rayleigh_photons, emission.rayleigh_keV).sum()
    return groups, scattered + counts(emission.compton_photons, emission.compton_keV).sum()


def test_net_counts_are_those_of_the_reference(make_stream, tornado, targets):
    stream = make_stream({}, lines=True, batch_size=16)
    batch, names = stream.batch(0), [str(group) for group in stream.line_groups]
    assert {"Fe K", "Na K"} <= set(names)
    assert not {"C K", "Fe L"} & set(names)
    for row in range(0, 16, 3):
        there = zip(stream.symbols, batch.fractions[row].tolist(), strict=True)
        composition = Composition({symbol: share for symbol, share in there if share > 0})
        groups, scattered = reference(composition, tornado, targets["bins"])
        scale = float(batch.totals[row]) / (sum(groups.values()) + scattered)
        due = np.array([scale * groups.get(name, 0.0) for name in names])
        found = batch.lines[row].numpy()
        np.testing.assert_allclose(found, due, rtol=2e-3, atol=0.02)
        assert (found[due == 0] == 0).all()
        # What is no line is scatter, but for the few counts of groups that are not seen.
        rest = float(batch.expected[row].sum()) - found.sum()
        assert rest == pytest.approx(scale * scattered, abs=2e-3 * float(batch.totals[row]))


def test_all_but_what_is_not_known_has_its_truth(make_stream):
    severities = {name: 2.0 for name in NAMES if name not in {one.name for one in NO_TRUTH}}
    stream = make_stream(severities, lines=True, counts=1e4)
    batch = stream.batch(0)
    assert batch.lines.shape == (32, len(stream.line_groups))
    assert (batch.lines >= 0).all()
    assert (batch.lines.sum(dim=1) < batch.totals).all()
    one = make_stream(severities, counts=1e4).batch(0)
    assert one.lines is None
    assert torch.equal(one.counts, batch.counts)


@pytest.mark.parametrize("name", [one.name for one in NO_TRUTH])
def test_what_dims_each_energy_is_refused(make_stream, name):
    with pytest.raises(InvalidValueError, match=name):
        make_stream({name: 2.0}, lines=True)
    make_stream({name: 0.0}, lines=True)


def test_a_mixture_has_the_lines_of_its_parts(make_stream):
    stream = make_stream({"mixture": 4.0}, lines=True)
    batch = stream.batch(0)
    pure = stream.maker.latest(0)[0]
    rows = stream.maker.latest(0)[1][:32]
    drawn = batch.parameters["mixture"]
    mixed = int(drawn["shares"].sum(dim=1).argmax())
    shares = drawn["shares"][mixed]
    due = (1 - shares.sum()) * pure.lines[rows[mixed]]
    first = rows[mixed] // pure.per_machine * pure.per_machine
    for number in range(2):
        due += (
            shares[number] * pure.lines[first + drawn["others"][mixed, number] % pure.per_machine]
        )
    torch.testing.assert_close(batch.lines[mixed], due * 3000, rtol=1e-4, atol=1e-2)
    assert not torch.allclose(batch.lines[mixed], 3000 * pure.lines[rows[mixed]], rtol=0.02)


def test_resin_and_pile_up_leave_fewer(make_stream):
    pure, resin = (make_stream(one, lines=True).batch(0) for one in ({}, {"background": 2.0}))
    share = 1 - resin.parameters["background"]["share"][:, None]
    # Resin has a little of its counts beside the axis, so that the total is not quite kept.
    torch.testing.assert_close(resin.lines, pure.lines * share, rtol=2e-3, atol=1e-3)
    piled = make_stream({"pile_up": 4.0}, lines=True).batch(0)
    drawn = piled.parameters["pile_up"]
    hottest = int((drawn["counts_per_s"] * (1 - drawn["taken_out"])).argmax())
    # Of two photons that meet one count is left, so that the total shrinks by half as much.
    ratio = (piled.lines[hottest].sum() / pure.lines[hottest].sum()).item()
    assert 0.95 < ratio < 0.999


def test_a_group_says_its_name():
    assert str(LineGroup("Pb", "M")) == "Pb M"
