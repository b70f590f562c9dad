"""Puts what the benchmarks measured, in benchmarks/results/*.json, into the documents.

    python benchmarks/hard.py --json benchmarks/results/hard.json
    python scripts/figures.py            # renews the documents
    python scripts/figures.py --check    # says which of them do not show what was measured, and ends with 1

A document holds each table between two markers:

    <!-- figures:hard -->
    ...
    <!-- /figures -->

`figures:beside` is the summary that the READMEs show; it is in the language of the document.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = {
    "README.md": "en",
    "README.zh-CN.md": "zh",
    "benchmarks/README.md": "en",
    "docs/tables.md": "en",
    "docs/callables.md": "en",
}
MARKED = re.compile(r"(?P<begin><!-- figures:(?P<name>[\w-]+) -->\n)(?P<body>.*?)(?P<end><!-- /figures -->)", re.DOTALL)

Figures = dict[str, Any]


def read(name: str) -> Figures:
    """What one benchmark measured."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose figures stand to the right."""
    lines = [f"| {' | '.join(columns)} |", f"|---{'|---:' * (len(columns) - 1)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def whole(name: str) -> str:
    """All that a benchmark printed."""
    seen = read(name)
    here = seen["machine"]
    packages = ", ".join(f"{k} {v}" for k, v in seen["versions"].items())
    head = f"{here['processor']}, {here['cores']} cores, Python {here['python']}; {packages}.\n"
    printed = seen["table"]
    return "\n".join(["", head, table(printed["columns"], printed["rows"]), *printed["notes"], ""])


# --- the summary ---


def power(x: float) -> str:
    """1.7e-9."""
    mantissa, _, exponent = f"{x:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def cold_start(lang: str) -> list[str]:
    rows = {r["name"]: statistics.median(r["seconds"]) for r in read("cold_start")["rows"]}
    what = {
        "en": "from the shell to a finished fit of `sin(x)`, tolerance 1e-8",
        "zh": "从命令行启动到完成 `sin(x)` 的拟合（容差 1e-8）",
    }[lang]
    return [what, f"{rows['surefit']:.2f} s", f"`import torch`: {rows['torch']:.2f} s"]


def equations(lang: str) -> list[str]:
    """Median and largest error of a dozen, beside the others, which take all of their seconds; surefit's of all."""

    def of(rows: list[Figures], name: str, what: str) -> list[float]:
        return [statistics.median(math.inf if r[what] is None else r[what] for r in row["runs"][name]) for row in rows]

    def shown(rows: list[Figures], name: str) -> str:
        errors = of(rows, name, "error")
        return f"{power(statistics.median(errors))}, {power(max(errors))}"

    rows, every, given = read("functions")["rows"], read("equations")["rows"], read("functions")["seconds"]
    others = [n for n in rows[0]["runs"] if n != "surefit"]
    best = min(others, key=lambda n: statistics.median(of(rows, n, "error")))
    what = {
        "en": f"{len(rows)} equations of the Feynman lectures, 1 to 9 inputs: median and largest error, of the range",
        "zh": f"费曼讲义中的 {len(rows)} 个方程，1 到 9 个输入：误差与值域之比的中位数和最大值",
    }[lang]
    own, all_of_them = shown(rows, "surefit"), shown(every, "surefit")
    took = statistics.median(of(rows, "surefit", "seconds"))
    ours = {
        "en": f"{own} ({took:.1f} s; of all {len(every)}: {all_of_them})",
        "zh": f"{own}（{took:.1f} 秒；全部 {len(every)} 个：{all_of_them}）",
    }[lang]
    theirs = {
        "en": f"{best}: {shown(rows, best)} ({given:.0f} s)",
        "zh": f"{best}：{shown(rows, best)}（{given:.0f} 秒）",
    }[lang]
    return [what, ours, theirs]


def hard(lang: str) -> list[str]:
    seen = read("hard")
    rows, tol, seconds = seen["rows"], power(seen["tol"]), seen["seconds"]
    names = list(rows[0]["runs"])

    def close(error: float | None) -> bool:
        return error is not None and error <= seen["tol"]

    within = {n: sum(close(r["runs"][n]["error"]) for r in rows) for n in names}
    best = max((n for n in names if n != "surefit"), key=lambda n: within[n])
    what = {
        "en": f"{len(rows)} functions with kinks, jumps, poles, layers or waves: "
        f"how many within {tol} of the range in {seconds:.0f} s",
        "zh": f"{len(rows)} 个带折点、跳跃、极点、边界层或波动的函数：{seconds:.0f} 秒内误差不超过值域的 {tol} 的个数",
    }[lang]
    takes = sum(r["runs"][best]["error"] is not None for r in rows)
    theirs = {
        "en": f"{best}: {within[best]} of the {takes} that it takes",
        "zh": f"{best}：能处理的 {takes} 个中 {within[best]} 个",
    }[lang]
    return [what, str(within["surefit"]), theirs]


def simulators(lang: str) -> list[str]:
    """Cells in which each contestant's median error is within 1.3 of the best, or 1.0 (the best)."""
    rows = read("simulators")["rows"]
    cells: dict[tuple[str, int], list[Figures]] = {}
    for r in rows:
        cells.setdefault((r["simulator"], r["runs"]), []).append(r["errors"])
    names = list(rows[0]["errors"])
    medians = [{n: statistics.median(e[n][0] for e in errors) for n in names} for errors in cells.values()]
    near = {n: sum(m[n] <= 1.3 * min(m.values()) for m in medians) for n in names}
    best = max((n for n in names if n != "surefit"), key=lambda n: near[n])
    what = {
        "en": f"{len(medians)} cases, ten simulators with 20 to 200 runs: how many within 1.3 times the best error",
        "zh": f"{len(medians)} 种情形，十个仿真程序各运行 20 到 200 次：误差不超过最好者 1.3 倍的个数",
    }[lang]
    return [what, str(near["surefit"]), f"{best}: {near[best]}"]


def tables(lang: str) -> list[list[str]]:
    found = []
    for r in read("tables")["rows"]:
        means = {n: statistics.mean(e) for n, e in r["rmse"].items()}
        best = min((n for n in means if n != "surefit"), key=lambda n: means[n])
        what = {
            "en": f"table {r['table']}: test RMSE, mean of {len(r['rmse']['surefit'])} divisions",
            "zh": f"数据表 {r['table']}：测试 RMSE，{len(r['rmse']['surefit'])} 次划分的平均",
        }[lang]
        found.append([what, f"{means['surefit']:.3g}", f"{best}: {means[best]:.3g}"])
    return found


def training_steps(lang: str) -> list[list[str]]:
    found = []
    for name, what_en, what_zh in (
        ("E2", "a training step of 1-512-1, batch 32", "1-512-1、批大小 32 的一个训练步"),
        ("E3-mnist", "a training step of 784-100-10, batch 128", "784-100-10、批大小 128 的一个训练步"),
    ):
        rows = [r for r in read("training_step")["rows"] if r["workload"] == name and r["threads"] == 1]
        us = {r["contender"]: r["us_per_step"] for r in rows}
        best = min((n for n in us if n != "surefit"), key=lambda n: us[n])
        found.append([{"en": what_en, "zh": what_zh}[lang], f"{us['surefit']:.3g} µs", f"{best}: {us[best]:.3g} µs"])
    return found


def beside(lang: str) -> str:
    """The summary: one line a job, with the best of the others beside it."""
    columns = {"en": ["", "surefit", "the best of the others"], "zh": ["", "surefit", "其他方法中最好的"]}[lang]
    rows = [cold_start(lang), equations(lang), hard(lang), simulators(lang), *tables(lang), *training_steps(lang)]
    return "\n" + table(columns, rows) + "\n"


def unseen(lang: str) -> str:
    """On how many tables each contestant is worse than the better of mean and ridge, and by how much."""
    rows = read("unseen")["rows"]
    squares = [{n: statistics.mean(found) for n, found in row["squares"].items()} for row in rows]
    over = {
        n: [math.sqrt(each[n] / max(min(each["mean"], each["ridge"]), 1e-300)) for each in squares] for n in squares[0]
    }
    columns = [f"{len(rows)} tables", "worse by more than 2 %", "the worst", "all of them, geometric mean"]
    cells = [
        [n, str(sum(r > 1.02 for r in ratios)), f"{max(ratios):.2f}", f"{statistics.geometric_mean(ratios):.3f}"]
        for n, ratios in over.items()
    ]
    note = "Root mean squared errors at the rows to predict, of four parts in turn, over those of the better.\n"
    return "\n" + table(columns, cells) + "\n" + note + "\n"


def by_inputs(lang: str) -> str:
    """The equations as functions of which nothing can be read: medians, the largest and how many are poor."""
    seen = read("opaque_equations")
    errors: dict[int, list[float]] = {}
    for row in seen["rows"]:
        error = statistics.median(math.inf if r["error"] is None else r["error"] for r in row["runs"]["surefit"])
        errors.setdefault(row["dim"], []).append(error)
    columns = ["inputs", "equations", "median", "largest", "above 5e-3"]
    cells = [
        [str(dim), str(len(of)), power(statistics.median(of)), power(max(of)), str(sum(e > 5e-3 for e in of))]
        for dim, of in sorted(errors.items())
    ]
    clock = " of processor time" if seen["own_time"] else ""
    note = f"Largest error at fresh points, as a share of the range, after at most {seen['seconds']:g} s{clock}.\n"
    return "\n" + table(columns, cells) + "\n" + note + "\n"


RENDERED: dict[str, Callable[[str], str]] = {"beside": beside, "unseen": unseen, "by_inputs": by_inputs}


def renewed(text: str, lang: str) -> str:
    """A document with all of its tables as they were measured last."""

    def put(m: re.Match[str]) -> str:
        name = m["name"]
        return m["begin"] + (RENDERED[name](lang) if name in RENDERED else whole(name)) + m["end"]

    return MARKED.sub(put, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a document is out of date")
    arguments = parser.parse_args()
    old = []
    for name, lang in DOCUMENTS.items():
        file = ROOT / name
        text = file.read_text(encoding="utf-8")
        new = renewed(text, lang)
        if new != text:
            old.append(name)
            if not arguments.check:
                file.write_text(new, encoding="utf-8")
    if old:
        print(("out of date: " if arguments.check else "renewed: ") + ", ".join(old))
    return 1 if old and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
