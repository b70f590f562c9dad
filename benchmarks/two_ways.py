"""The two-ways experiment with PyTorch beside surefit: one code, handed the modules of each. PyTorch may be missing.

python benchmarks/two_ways.py [--quick] [--out DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from surefit import experiments
from surefit.experiments import two_ways
from surefit.experiments.result import ROW_HEADER, markdown_table, row_cells, shown


def pytorch() -> tuple[two_ways.Parts, ...]:
    """PyTorch's parts, one thread, seeded; nothing where it is not installed."""
    try:
        import torch
    except ImportError:
        return ()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return (
        two_ways.Parts(
            "PyTorch",
            torch.nn,
            torch.optim,
            torch.utils.data.Dataset,
            torch.utils.data.DataLoader,
            torch.utils.data.random_split,
            lambda a: torch.tensor(a, dtype=torch.float32),
            torch.no_grad,
            lambda seed: torch.Generator().manual_seed(seed),
        ),
    )


def main() -> None:
    """Run the experiment, print its tables, write its page and pictures if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer epochs")
    parser.add_argument("--out", type=Path, help="directory for the page and the pictures")
    options = parser.parse_args()
    result = two_ways.run(experiments.Options(quick=options.quick), (two_ways.OURS, *pytorch()))
    print(markdown_table(ROW_HEADER, map(row_cells, result.rows)))
    times = result.grids[0]
    print(f"\n{times.title}:\n\n{markdown_table(times.header, [map(shown, row) for row in times.rows])}")
    if options.out is not None:
        print("\n".join(str(path) for path in result.save(options.out)))


if __name__ == "__main__":
    main()
