"""digits: MNIST by hand with two and four layers, and why the deep one of document 002 fails (document 002).

The document prints a class whose last layer is a ReLU and takes the logarithm of its output as if that were a
probability. With four layers it ends at chance with a loss of -10, and the document blames the depth. Here the printed
class, a variant with a softmax, and the published numbers stand side by side; each suspect is measured; then the
causes are removed one at a time, and both shapes learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from surefit import fitting, nn, view
from surefit.sentences import both, zh

from . import digits_settings
from .digits_claims import claims_of
from .digits_networks import (
    ALONE,
    PRINTED,
    SOFTMAX,
    TOGETHER,
    Array,
    Run,
    examined,
    fixed,
    load,
    suspects,
    train,
)
from .digits_settings import (
    ACCURACIES,
    AS_PRINTED,
    BATCH,
    BATCH_LR,
    DEEP,
    DEEP_SEEDS,
    EPOCHS,
    FINAL_EPOCHS,
    FIXING_EPOCHS,
    FOR_RELU,
    LR,
    NOTHING,
    NUMBERS,
    PUBLISHED_DEEP,
    PUBLISHED_SHALLOW,
    SEEDS,
    SHALLOW,
)
from .exercises import PrintedBackward, cannot_run, exercises, printed_class_fails
from .result import Grid, Options, Picture, Result, Row

SETTINGS = digits_settings


def run(options: Options) -> Result:
    """Exercises, the published nets in two readings, the suspects, the fixes, the fixed nets."""
    digits = load(options)
    epochs, passes, final = (10, 4, 5) if options.quick else (EPOCHS, FIXING_EPOCHS, FINAL_EPOCHS)
    seeds, deep_seeds = (SEEDS[:1], DEEP_SEEDS[:1]) if options.quick else (SEEDS, DEEP_SEEDS)
    result = Result(
        "digits",
        both("MNIST by hand, and the deep net that fails", "手写的 MNIST，以及失败的深层网络"),
        both("document 002", "文献 002"),
        both(
            "Two and four layers by hand on the real images; what "
            "the document's failing network fails of, cause by cause.",
            "在真实图像上手写两层和四层网络；逐一找出文献中失败的网络败在哪里。",
        ),
    )
    options.log(both(f"two layers, as printed, {epochs} epochs", f"两层，按文献原样，{epochs} 轮"))
    shallow = train(PRINTED, SHALLOW, digits, epochs)
    options.log(both("two layers, softmax for the last ReLU", "两层，末层 ReLU 换成 softmax"))
    shallow_softmax = train(SOFTMAX, SHALLOW, digits, epochs)
    deep = []
    for seed in deep_seeds:
        options.log(both(f"four layers, as printed, seed {seed}", f"四层，按文献原样，种子 {seed}"))
        deep.append(train(PRINTED, DEEP, digits, epochs, seed))
    finals: dict[tuple[int, ...], list[dict[str, float]]] = {SHALLOW: [], DEEP: []}
    networks: dict[tuple[int, ...], nn.Module] = {}
    for sizes, numbers in finals.items():
        for seed in seeds:
            options.log(
                both(
                    f"{'-'.join(map(str, sizes))} with the fixes, seed {seed}",
                    f"{'-'.join(map(str, sizes))} 加上各项修正，种子 {seed}",
                )
            )
            network, measured = fixed(sizes, digits, final, seed)
            networks[sizes] = network
            numbers.append(measured)

    result.rows += _shallow_rows(shallow, shallow_softmax, finals[SHALLOW], seeds)
    result.rows += _deep_rows(deep, finals[DEEP], deep_seeds, seeds)
    runs = []
    for recipe in (*ALONE, *TOGETHER):
        options.log(both(f"fixes: {recipe.name}", f"修正：{zh(recipe.name)}"))
        runs.append(train(recipe, DEEP, digits, passes))
    result.grids.append(_side_by_side(shallow, shallow_softmax, deep[0]))
    result.grids.append(_fixes(runs, passes))
    sample, labels = digits.x_test[:1000], digits.labels_test[:1000]
    table, seen = _suspects_table(shallow, deep[0], runs, sample, labels)
    result.grids.append(table)
    healthy = fitting.examine(networks[DEEP], sample, labels, loss="cross_entropy")
    diagnosis, named = _doctor_table(seen, shallow, deep[0], healthy, sample, labels)
    result.grids.append(diagnosis)
    result.claims += [*exercises(), cannot_run(printed_class_fails(PrintedBackward()))]
    result.claims += claims_of(not options.quick, shallow, shallow_softmax, deep, runs, seen, named, healthy, finals)
    result.pictures += _pictures(shallow, shallow_softmax, deep[0], runs)
    return result


def _shallow_rows(printed: Run, softmax: Run, finals: list[dict[str, float]], seeds: tuple[int, ...]) -> Iterator[Row]:
    for reading, run in ((AS_PRINTED, printed), (FOR_RELU, softmax)):
        for name, source in PUBLISHED_SHALLOW.items():
            note = {
                (AS_PRINTED, "train_loss"): both(
                    "what is printed cannot give the published numbers: without a softmax the loss falls below 0",
                    "文献所印的类得不到文献的数值：没有 softmax，损失会降到 0 以下",
                ),
                (FOR_RELU, "train_loss"): both(
                    "the family of the published numbers: they need a softmax "
                    "that the printed class lacks; batch, rate and pixel "
                    "scale are not given (full batch, 0.6 averaged, "
                    "0 to 1)",
                    "与文献数值同类：它们需要文献所印的类所缺少的 softmax；批量、学习率和像素缩放未给出（全批"
                    "量，平均后为 0.6，0 到 1）",
                ),
            }.get((reading, name), "")
            yield Row(
                both(
                    f"784-100-10, {name.replace('_', ' ')}, {reading}",
                    f"784-100-10，{NUMBERS[name].said('zh')}，{zh(reading)}",
                ),
                source,
                run.last(name),
                float(np.median([f[name] for f in finals])),
                run.seconds,
                float(np.median([f["seconds"] for f in finals])),
                note=note,
                better_seeds=seeds,
            )


def _deep_rows(
    deep: list[Run], finals: list[dict[str, float]], seeds: tuple[int, ...], better_seeds: tuple[int, ...]
) -> Iterator[Row]:
    first, better = deep[0], float(np.median([f["seconds"] for f in finals]))

    def median(name: str) -> float:
        return float(np.median([f[name] for f in finals]))

    losses = first.history["train_loss"]
    for epoch, source in PUBLISHED_DEEP.items():
        if epoch < len(losses):
            yield Row(
                both(f"784-100-100-100-10, train loss, epoch {epoch}", f"784-100-100-100-10，训练损失，第 {epoch} 轮"),
                source,
                losses[epoch],
                None,
                first.seconds,
            )
    slopes = [(run.history["train_loss"][-4] - run.last("train_loss")) / 3 for run in deep]
    others = ", ".join(f"{run.last('train_loss'):.2f}" for run in deep[1:])
    yield Row(
        both("784-100-100-100-10, fall of the loss an epoch, at the end", "784-100-100-100-10，最后每轮损失的下降"),
        (PUBLISHED_DEEP[46] - PUBLISHED_DEEP[49]) / 3,
        float(np.median(slopes)),
        None,
        first.seconds,
        None,
        seeds,
        both(
            f"the level depends on the seed (the other one ends at {others})",
            f"具体数值取决于种子（另一个终止于 {others}）",
        )
        if others
        else "",
    )
    accuracies = ", ".join(f"{run.last('test_accuracy'):.2f}" for run in deep)
    sources: dict[str, float | str] = {
        "train_loss": PUBLISHED_DEEP[49],
        "train_accuracy": ACCURACIES,
        "test_loss": -10.214,
        "test_accuracy": 0.0986,
    }
    for name, published in sources.items():
        note = (
            both(
                f"which class wins is an accident of the start ({accuracies} by seed)",
                f"哪一类胜出取决于起点（各种子为 {accuracies}）",
            )
            if name == "test_accuracy"
            else ""
        )
        yield Row(
            both(
                f"784-100-100-100-10, {name.replace('_', ' ')}, end",
                f"784-100-100-100-10，{NUMBERS[name].said('zh')}，结束时",
            ),
            published,
            first.last(name),
            median(name),
            first.seconds,
            better,
            note=note,
            better_seeds=better_seeds,
        )


def _side_by_side(shallow: Run, softmax: Run, deep: Run) -> Grid:
    names = list(PUBLISHED_SHALLOW)
    rows: list[Any] = [
        (both("two layers, document", "两层，文献"), *PUBLISHED_SHALLOW.values()),
        (both("two layers, class as printed", "两层，文献所印的类"), *(shallow.last(n) for n in names)),
        (
            both("two layers, softmax for the last ReLU", "两层，末层 ReLU 换成 softmax"),
            *(softmax.last(n) for n in names),
        ),
        (both("four layers, document", "四层，文献"), PUBLISHED_DEEP[49], ACCURACIES, -10.214, 0.0986),
        (both("four layers, class as printed", "四层，文献所印的类"), *(deep.last(n) for n in names)),
    ]
    header = ("", *(NUMBERS[n] for n in names))
    note = both(
        "The printed class fails with two layers as with four; the document's two-layer numbers are not its own.",
        "文献所印的类两层和四层都失败；文献中两层的数值不是由它得到的。",
    )
    return Grid(
        both("The document, its printed class and a softmax, side by side", "文献、文献所印的类与 softmax 的对照"),
        header,
        rows,
        note,
    )


def _fixes(runs: list[Run], epochs: int) -> Grid:
    header = (
        both("784-100-100-100-10 with", "784-100-100-100-10 加上"),
        both("train loss", "训练损失"),
        both("train accuracy", "训练准确率"),
        both("test accuracy", "测试准确率"),
        both("seconds", "秒"),
    )
    rows: list[Any] = [
        (r.recipe.name, r.last("train_loss"), r.last("train_accuracy"), r.last("test_accuracy"), r.seconds)
        for r in runs
    ]
    note = both(
        f"After {epochs} passes over the data, full batch with rate {LR:g}, mini-batches of {BATCH} with {BATCH_LR:g}. "
        "The lines with + begin with the softmax and add one fix each. All rows at once take only as many steps as "
        "passes, at a rate where the accuracy still swings. Residual layers alone are a copy of the failure: depth is "
        "not it.",
        f"遍历数据 {epochs} 次之后，全批量的学习率为 {LR:g}，批量 {BATCH} 的小批量为 {BATCH_LR:g}。"
        "带 + 的各行从 softmax 开始，每行再加一项修正。全部样本一起时，步数只等于遍历次数，且在该"
        "学习率下准确率仍在摆动。仅加残差层只是重复失败：原因不在深度。",
    )
    return Grid(both("Fixes, each alone and then together", "各项修正：单独使用与依次叠加"), header, rows, note)


def _suspects_table(
    shallow: Run, deep: Run, runs: list[Run], x: Array, labels: Array
) -> tuple[Grid, dict[str, dict[str, float]]]:
    good = _by_name(runs, "+ mini-batches")
    seen: dict[str, dict[str, float]] = {
        both("two layers as printed, start", "两层，原样，开始时"): suspects(
            PRINTED, PRINTED.network(SHALLOW, 0), x, labels
        ),
        both("two layers as printed, end", "两层，原样，结束时"): suspects(PRINTED, shallow.network, x, labels),
        both("four layers as printed, start", "四层，原样，开始时"): suspects(
            PRINTED, PRINTED.network(DEEP, 0), x, labels
        ),
        both("four layers as printed, end", "四层，原样，结束时"): suspects(PRINTED, deep.network, x, labels),
        both("four layers with softmax, start", "四层，加 softmax，开始时"): suspects(
            SOFTMAX, SOFTMAX.network(DEEP, 0), x, labels
        ),
        both("four layers fixed, start", "四层，修正后，开始时"): suspects(
            good.recipe, good.recipe.network(DEEP, 0), x, labels
        ),
        both("four layers fixed, end", "四层，修正后，结束时"): suspects(good.recipe, good.network, x, labels),
    }
    names = list(next(iter(seen.values())))
    rows: list[Any] = [(who, *(numbers[n] for n in names)) for who, numbers in seen.items()]
    note = both(
        "On 1 000 test images. Signal: deviation between images. Few units die, no output does, the gradient of the "
        "first layer is of the last one's order; but no gradient lowers a wrong output, so all ten rise together.",
        "在 1 000 张测试图像上。信号：图像之间的标准差。死亡的隐藏单元很少，没有死亡的输出，首层的"
        "梯度与末层同一数量级；但没有梯度使错误的输出降低，所以十个输出一起上升。",
    )
    return Grid(both("The suspects", "可疑的原因"), ("", *names), rows, note), seen


def _doctor_table(
    seen: Iterable[str], shallow: Run, deep: Run, healthy: fitting.Diagnosis, x: Array, labels: Array
) -> tuple[Grid, dict[str, set[str]]]:
    start_2, end_2, start_4, end_4, start_softmax, *_, end_fixed = seen
    patients = {
        start_2: (PRINTED, PRINTED.network(SHALLOW, 0), None),
        end_2: (PRINTED, shallow.network, shallow),
        start_4: (PRINTED, PRINTED.network(DEEP, 0), None),
        end_4: (PRINTED, deep.network, deep),
        start_softmax: (SOFTMAX, SOFTMAX.network(DEEP, 0), None),
    }
    named, rows = {}, []
    for who, (recipe, network, run) in patients.items():
        history = None if run is None else run.history["train_loss"]
        problems = examined(recipe, network, x, labels, history).problems
        named[who] = {finding.code for finding in problems}
        rows.append((who, ", ".join(dict.fromkeys(f.code for f in problems)) or NOTHING))
    rows.append((end_fixed, ", ".join(f.code for f in healthy.problems) or NOTHING))
    return Grid(
        both("What the doctor says by itself", "诊断自己的结论"),
        ("", both("errors and warnings", "错误与警告")),
        list(rows),
    ), named


def _by_name(runs: list[Run], name: str) -> Run:
    return next(run for run in runs if run.recipe.name == name)


# --- pictures --------------------------------------------------------------------------------------------------


def _pictures(shallow: Run, softmax: Run, deep: Run, runs: list[Run]) -> list[Picture]:
    Curve, Panel = view.Curve, view.Panel
    readings = {
        both("2 layers, printed", "2 层，原样"): shallow,
        both("2 layers, softmax", "2 层，softmax"): softmax,
        both("4 layers, printed", "4 层，原样"): deep,
    }
    epochs = np.arange(1, len(deep.history["train_loss"]) + 1)
    curves = view.chart(
        [
            Panel(
                [Curve(epochs, r.history["train_loss"], n) for n, r in readings.items()],
                both("epoch", "轮次"),
                both("train loss (cut at 12)", "训练损失（截于 12）"),
                limits=(-12, 12),
            ),
            Panel(
                [Curve(epochs, r.history["test_accuracy"], n) for n, r in readings.items()],
                both("epoch", "轮次"),
                both("test accuracy", "测试准确率"),
                limits=(0, 1),
            ),
        ],
        title=both(
            "The printed class, and a softmax in the place of its last ReLU", "文献所印的类，以及末层 ReLU 换成 softmax"
        ),
    )
    passes = np.arange(1, len(runs[0].history["train_loss"]) + 1)
    parts = {
        both("each fix alone", "每项修正单独使用"): runs[: len(ALONE)],
        both("softmax, and one fix more each", "softmax，再逐项叠加修正"): [runs[1], *runs[len(ALONE) :]],
    }
    fixes = view.chart(
        [
            Panel(
                [Curve(passes, r.history["test_accuracy"], r.recipe.name, "marks") for r in part],
                both("passes over the data", "遍历数据的次数"),
                both("test accuracy", "测试准确率"),
                title=title,
                limits=(0, 1.02),
            )
            for title, part in parts.items()
        ],
        height=4.4,
        title=both(
            "784-100-100-100-10: each fix alone, and one after the other",
            "784-100-100-100-10：每项修正单独使用，以及依次叠加",
        ),
    )
    return [
        Picture(
            "digits-readings",
            both(
                "The printed class falls below 0 with two layers and with four.",
                "文献所印的类两层和四层都降到 0 以下。",
            ),
            curves,
        ),
        Picture(
            "digits-fixes",
            both(
                "Four layers: without a softmax nothing helps; with it He's weights and mini-batches do.",
                "四层：没有 softmax 什么都无效；有了它，He 初始化和小批量有效。",
            ),
            fixes,
        ),
    ]
