"""Spectral angle mapping by hand."""

import numpy as np

from lithoscope.evaluation.sam import classes_from_angles


def test_the_smallest_angle_wins_whatever_the_length():
    templates = np.array([[1.0, 0.0, 0.0], [100.0, 100.0, 0.0], [0.0, 0.0, 1e-6]])
    counts = np.array([[5.0, 1.0, 0.0], [3.0, 2.5, 0.0], [0.0, 0.1, 9.0]])
    named = classes_from_angles(
        counts=counts, templates=templates, template_classes=np.array([7, 8, 9]), chunk=2
    )
    angles = [
        [
            np.arccos(row @ template / np.linalg.norm(row) / np.linalg.norm(template))
            for template in templates
        ]
        for row in counts
    ]
    np.testing.assert_array_equal(named, np.array([7, 8, 9])[np.argmin(angles, axis=1)])
    assert named.tolist() == [7, 8, 9]
