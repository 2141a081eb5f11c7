"""Which smoothing a map gets, and sizes in µm and pixels."""

import numpy as np
import pytest

from lithoscope.core.labels import VOID
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import best_under_priors, estimate_priors
from lithoscope.segmentation.smoothing import (
    METHODS,
    Classified,
    Size,
    Smoothing,
    size_from_text,
    smoothed_classes,
)


def a_map(unsure=0.6):
    """Quartz with an unsure pixel, a certain one of gold, and void at the edge."""
    dense = np.full((11, 11, 4), 1e-4, np.float32)
    dense[..., 0] = 0.995
    dense[3, 3] = 1 - unsure, unsure, 1e-4, 1e-4
    dense[7, 7] = 1e-7, 1e-7, 1.0, 1e-7
    dense /= dense.sum(axis=2, keepdims=True)
    posteriors = posteriors_from_probabilities(dense.reshape(-1, 4), allowed=range(4))
    posteriors = posteriors.reshaped(11, 11)
    void = np.zeros((11, 11), bool)
    void[:, 0] = True
    priors = estimate_priors(posteriors, n_classes=4, use=~void)
    best, sure = best_under_priors(posteriors, np.full(4, 0.25))
    classes = np.where(void, np.int16(VOID), best)
    return Classified(classes, np.where(void, 0, sure), np.zeros_like(void), posteriors, priors)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_certain_grains_and_void(method):
    given = a_map()
    assert given.classes[3, 3] == 1
    found = smoothed_classes(given, Smoothing(method), pixel_um=(20.0, 20.0))
    assert found[7, 7] == 2
    assert (found[:, 0] == VOID).all()
    assert (found[3, 3] == 1) == (method == "none")
    assert found.dtype == np.int16


def test_small_unsure_grains_go_by_diameter():
    given = a_map()
    # The circle of 22 µm has less than the 400 µm² of a pixel, that of 23 µm more.
    for diameter, stands in (("22um", True), ("23um", False), ("1px", True), ("2px", False)):
        smoothing = Smoothing("none", smallest_grain=size_from_text(diameter))
        found = smoothed_classes(given, smoothing, pixel_um=(20.0, 20.0))
        assert (found[3, 3] == 1) == stands
        assert found[7, 7] == 2


def test_unknown_pixels_are_not_certain():
    given = a_map()
    given.unknown[7, 7] = True
    found = smoothed_classes(given, Smoothing("majority"), pixel_um=None)
    assert found[7, 7] == 0


def test_sizes_are_read_and_told():
    assert size_from_text("60um") == size_from_text(" 60 µm ") == Size(60.0, "um")
    assert str(size_from_text("2.5px")) == "2.5px"
    assert Size(2, "px").in_um((20.0, 20.0)) == 40
    assert Smoothing().as_data() == {"method": "potts", "radius": "1px", "smallest_grain": "0px"}
    for wrong in ("60", "um", "-3px", "2 mm", "nanpx", "1e9999um"):
        with pytest.raises(InvalidValueError, match="no size"):
            size_from_text(wrong)
    with pytest.raises(InvalidValueError, match="in um or px"):
        Size(-1.0, "px")


def test_what_cannot_be_done_is_refused():
    with pytest.raises(InvalidValueError, match="one of potts"):
        Smoothing("median")
    with pytest.raises(InvalidValueError, match="without size of a pixel"):
        smoothed_classes(a_map(), Smoothing("opening", Size(40, "um")), pixel_um=None)
