# %% [markdown]
# # A map of the PIXL demo scan
#
# The scan that ships with Lithoscope: a rock from Laguna Salinas under the breadboard of NASA's PIXL instrument, 25 x 25 pixels of
# 0.1 mm. Nobody has assigned its minerals by other means, so nothing here says how often the map is right.

# %%
from importlib.resources import files

import lithoscope as ls

scan = ls.open_scan(files("lithoscope") / "demo_data" / "laguna_salinas.hspy")
scan

# %%
result = ls.map_minerals(scan)
result

# %% [markdown]
# The warnings are part of the result:

# %%
for warning in result.warnings:
    print(warning)

# %% [markdown]
# Layers are an xarray Dataset, so that questions of one's own are short. How sure is the model of each mineral?

# %%
import numpy as np

labels = np.array(result.dataset["mineral"].attrs["flag_meanings"].split())
classes = result.dataset["mineral"].values
for number in np.unique(classes[classes >= 0]):
    pixels = classes == number
    confidence = result.dataset["confidence"].values[pixels]
    print(
        f"{labels[number]:20} {pixels.sum():4} pixels, median confidence {np.median(confidence):.2f}"
    )

# %% [markdown]
# A region of one's own choice, here all pixels with less than half of confidence, or else the least sure tenth:

# %%
confidence = result.dataset["confidence"].values
unsure = confidence < max(0.5, np.quantile(confidence, 0.1))
scan.region(unsure)
