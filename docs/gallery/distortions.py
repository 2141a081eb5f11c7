# %% [markdown]
# # Distortions
#
# Measured spectra differ from ideal ones: the tube's voltage, the energy axis, pile-up, crystals that reflect, neighbours in the spot. Each of
# these is a class in `lithoscope.synthesis.distortions` with a severity from 0 (nothing) to 5; at 2 it is as strong as on real machines,
# as far as that has been measured. The stream draws parameters, applies them and keeps them.

# %%
import numpy as np

from lithoscope.core.labels import LabelSet
from lithoscope.io import load_instrument
from lithoscope.minerals import load_library
from lithoscope.synthesis.conditions import find_condition
from lithoscope.synthesis.generations import GenerationSize
from lithoscope.synthesis.stream import SpectrumStream

library = load_library()
minerals = [library.get(name) for name in ("orthoclase", "quartz")]
instrument = load_instrument("m4-tornado")
edges = np.linspace(0.5, 20.0, 651)


def batch(condition, seed=0):
    stream = SpectrumStream(
        minerals,
        LabelSet.of_minerals([mineral.name for mineral in minerals]),
        [instrument],
        find_condition(condition).at(100_000),
        edges,
        batch_size=64,
        seed=seed,
        size=GenerationSize(machines=8, per_machine=8),
    )
    return next(iter(stream))


# %% [markdown]
# Bragg peaks: a crystal grain reflects single energies of the tube's continuum. The lines drawn are the same grains
# with and without them, since everything else comes from one seed.

# %%
from matplotlib.figure import Figure

undistorted, peaks = batch("poisson"), batch("bragg@3")
middles = (edges[1:] + edges[:-1]) / 2
figure = Figure(figsize=(9, 3.5), layout="constrained")
axes = figure.subplots()
axes.stairs(undistorted.expected[0], edges, label="undistorted")
axes.stairs(peaks.expected[0], edges, label="with Bragg peaks, severity 3")
axes.set(yscale="log", ylim=(5, None), xlabel="energy (keV)", ylabel="expected counts")
axes.legend()
figure

# %% [markdown]
# What was drawn is kept beside the spectra, by distortion and name:

# %%
for distortion, drawn in peaks.parameters.items():
    for name, values in drawn.items():
        print(
            f"{distortion}.{name}: shape {tuple(values.shape)}, first {np.round(values[0].numpy(), 2)}"
        )

# %% [markdown]
# All distortions at once, at severity 2: the condition that the shipped model is trained under. Eight orthoclases, each on a machine,
# with a composition and faults of its own:

# %%
realistic = batch("realistic")
orthoclase = [index for index, mineral in enumerate(realistic.minerals.tolist()) if mineral == 0][
    :8
]
figure = Figure(figsize=(9, 4), layout="constrained")
axes = figure.subplots()
for index in orthoclase:
    axes.stairs(realistic.expected[index], edges, linewidth=0.8)
axes.set(yscale="log", ylim=(5, None), xlabel="energy (keV)", ylabel="expected counts")
figure
