"""The simulator beside fisx, XMI-MSIM and measured spectra.

    python -m benchmarks.physics --data ../shared/data -o docs

writes ``docs/physics-comparison.md``, the pictures of it in ``docs/images/physics`` and the model
error ``src/lithoscope/physics/data/model_error.csv``. What fisx computed is stored in
``tests/data/reference``; ``python -m benchmarks.physics.fisx_reference`` computes it anew (needs
``pip install -e ".[reference]"``).
"""
