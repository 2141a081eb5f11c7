# %% [markdown]
# # A spectrum, simulated and taken apart
#
# `lithoscope.simulate` gives the counts that an instrument would record of a mineral. Here it is spodumene on an M4 Tornado, first as
# expected counts of one second, then as a draw of 3 000 counts, which is what a pixel of some 100 ms holds.

# %%
import lithoscope as ls

spodumene = ls.simulate("spodumene", instrument="m4-tornado")
spodumene

# %% [markdown]
# A natural measurement holds fewer counts, the traces of its own crystal (`sampled`), and noise (`counts`, `seed`).

# %%
measured = ls.simulate("spodumene", instrument="m4-tornado", counts=3000, sampled=True, seed=1)
measured

# %% [markdown]
# ## Beside what it is confused with
#
# Lithium and oxygen are not seen. What is left is aluminium and silicon, and the ratio of the two. These are net
# intensities of the two K lines, from the expected spectra:

# %%
energies = spodumene.axis.energies_keV
aluminium = (energies > 1.40) & (energies < 1.60)
silicon = (energies > 1.65) & (energies < 1.85)
for name in ("spodumene", "pyrophyllite", "petalite", "albite", "beryl"):
    counts = ls.simulate(name, instrument="m4-tornado").counts
    print(f"{name:13} Al/Si {counts[aluminium].sum() / counts[silicon].sum():.3f}")

# %% [markdown]
# Pyrophyllite is so close that no number of counts parts the two with certainty. `lithoscope minerals confusable` works that out for
# any library and instrument.
#
# ## What the model says

# %%
answers = ls.classify_spectra([measured], top=5)
answers
