# %% [markdown]
# # A mineral of your own
#
# A mineral needs no more than a name and a formula. Ranges of end members and traces say how natural crystals vary.

# %%
from pathlib import Path

Path("ours.yaml").write_text("""
- quartz
- albite
- spodumene
- name: eucryptite
  formula: LiAlSiO4
  density_g_cm3: 2.66
  end_members: {LiAlSiO4: [0.9, 1.0], LiFeSiO4: [0.0, 0.1]}   # mole fractions
  traces_ppm: {Rb: [10, 500]}                                 # 95 % lie within
""")

# %%
import lithoscope as ls
from lithoscope.minerals import load_minerals_file

library = load_minerals_file("ours.yaml")
eucryptite = library.get("eucryptite")
eucryptite.composition.mass_fractions

# %% [markdown]
# A formula is simulated without a file:

# %%
ls.simulate("LiAlSiO4", density_g_cm3=2.66)

# %% [markdown]
# Can an M4 Tornado tell it from the others? At 300 counts:

# %%
from lithoscope.workflows.identify import identify_minerals

found = identify_minerals(list(library), "m4-tornado", counts=300, advice=False)
found

# %% [markdown]
# A fault is named with its line:

# %%
from lithoscope.errors import MineralError

Path("wrong.yaml").write_text("- name: eucryptite\n  formula: LiAlSi04\n")
try:
    load_minerals_file("wrong.yaml")
except MineralError as error:
    print(error)
