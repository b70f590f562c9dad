"""The two-ways experiment with PyTorch beside surefit: one code, handed PyTorch's modules. Needs `pip install torch`.

python benchmarks/two_ways.py [--quick] [--out DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from surefit import experiments
from surefit.experiments import two_ways
from surefit.experiments.result import row_cells

PYTORCH = two_ways.Parts(
    "PyTorch",
    torch.nn,
    torch.optim,
    torch.utils.data.Dataset,
    torch.utils.data.DataLoader,
    torch.utils.data.random_split,
    lambda a: torch.tensor(a, dtype=torch.float32),
    torch.no_grad,
    lambda seed: torch.Generator().manual_seed(seed),
)

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--quick", action="store_true")
parser.add_argument("--out", type=Path, help="directory for the page and the pictures")
options = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(1)
result = two_ways.run(experiments.Options(quick=options.quick), (two_ways.OURS, PYTORCH))
for row in result.rows:
    print("  ".join(row_cells(row)))
for name, steps, milliseconds in result.grids[0].rows:
    print(f"{name}: {milliseconds:.1f} ms an epoch of {steps} steps")
if options.out is not None:
    print("\n".join(str(path) for path in result.save(options.out)))
