"""Colours stay apart for every reader; distances are computed here, apart from the palette."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.figures.palette import (
    _HOMES,
    OTHER_COLOUR,
    POOL,
    UNKNOWN_COLOUR,
    VOID_COLOUR,
    mineral_colours,
)
from lithoscope.minerals import load_library

# Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
SRGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
SMALLEST_DISTANCE = 11.0
FIXED = (VOID_COLOUR, UNKNOWN_COLOUR, OTHER_COLOUR)


def lab(colour, vision):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISIONS[vision] @ linear, 0, 1)
    t = SRGB_TO_XYZ @ seen / WHITE_D65
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(first, second):
    (L1, a1, b1), (L2, a2, b2) = first, second
    mean_chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = C1 * C2 == 0
    dh = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    dL, dC, dH = L2 - L1, C2 - C1, 2 * np.sqrt(C1 * C2) * np.sin(np.radians(dh) / 2)
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    if grey:
        h = h1 + h2
    elif abs(h1 - h2) <= 180:
        h = (h1 + h2) / 2
    else:
        h = (h1 + h2 + (360 if h1 + h2 < 360 else -360)) / 2

    def cos(degrees):
        return np.cos(np.radians(degrees))

    T = 1 - 0.17 * cos(h - 30) + 0.24 * cos(2 * h) + 0.32 * cos(3 * h + 6) - 0.2 * cos(4 * h - 63)
    SL = 1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2)
    SC, SH = 1 + 0.045 * C, 1 + 0.015 * C * T
    turn = np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))
    RT = -2 * np.sqrt(C**7 / (C**7 + 25.0**7)) * np.sin(turn)
    return np.sqrt((dL / SL) ** 2 + (dC / SC) ** 2 + (dH / SH) ** 2 + RT * dC / SC * dH / SH)


def smallest_distance(colours, vision):
    seen = [lab(colour, vision) for colour in colours]
    return min(ciede2000(a, b) for a, b in itertools.combinations(seen, 2))


# From table 1 of Sharma, Wu and Dalal 2005.
@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_of_these_tests_is_ciede2000(first, second, distance):
    assert ciede2000(first, second) == pytest.approx(distance, abs=1e-4)


def test_white_and_black_are_a_hundred_apart_in_every_vision():
    for vision in VISIONS:
        assert smallest_distance(["#ffffff", "#000000"], vision) == pytest.approx(100, abs=0.05)


def test_the_measure_sees_red_and_green_become_alike_in_deuteranopia():
    alike = ("#a6611a", "#5a7a1a")
    assert smallest_distance(alike, "normal") > 3 * smallest_distance(alike, "deuteranopia")


@pytest.mark.parametrize("vision", VISIONS)
def test_all_colours_of_a_figure_stay_apart(vision):
    assert smallest_distance([*POOL.values(), *FIXED], vision) >= SMALLEST_DISTANCE


names = st.one_of(st.sampled_from(sorted(_HOMES)), st.text(min_size=1, max_size=12))


@given(st.lists(names, min_size=2, max_size=12, unique=True))
def test_up_to_twelve_minerals_have_twelve_colours_of_the_pool(labels):
    colours = mineral_colours(labels)
    assert list(colours) == labels
    assert len(set(colours.values())) == len(labels)
    assert set(colours.values()) <= set(POOL.values())


@given(st.lists(names, max_size=17, unique=True), st.randoms())
def test_who_keeps_its_own_colour_depends_on_abundance_alone(labels, random):
    own = {label: mineral_colours([label])[label] for label in labels}
    colours = mineral_colours(labels)
    for place, label in enumerate(labels):
        taken_before = own[label] in [own[earlier] for earlier in labels[:place]]
        assert (colours[label] == own[label]) == (not taken_before)


def test_the_rarer_of_two_alike_moves():
    assert mineral_colours(["pyrite"]) == {"pyrite": POOL["yellow"]}
    both = mineral_colours(["gold", "pyrite"])
    assert both["gold"] == POOL["yellow"]
    assert both["pyrite"] not in (POOL["yellow"], *FIXED)


def test_a_group_has_the_colour_of_its_best_known_member():
    for unknown in ("coesite", "stishovite", "lechatelierite"):
        label = f"{unknown}/quartz"
        assert mineral_colours([label])[label] == POOL["pale"]
    alone = mineral_colours(["nosuchmineral"])["nosuchmineral"]
    assert mineral_colours(["nosuchmineral/other"]) == {"nosuchmineral/other": alone}


def test_names_with_a_colour_are_written_as_in_the_library():
    assert set(_HOMES) <= {mineral.name for mineral in load_library()}


def test_more_labels_than_colours_all_have_one():
    labels = [f"mineral {number}" for number in range(40)]
    colours = mineral_colours(labels)
    assert set(colours) == set(labels)
    assert set(colours.values()) <= set(POOL.values())
