"""The settings of `digits`, each with its reason, and the numbers of document 002."""

from __future__ import annotations

from surefit.sentences import both

SHALLOW = (784, 100, 10)  # given, with a column of ones for 785
DEEP = (784, 100, 100, 100, 10)  # given, with the ones too
EPOCHS = 50  # given
SCALE = 255  # not given; pixels from 0 to 1
LR = 1e-5 * 60_000  # given: 1e-5 of a sum over the batch (not given; the published slope is that of all rows)
EPS = 1e-12  # given: added inside the logarithm
FIXING_EPOCHS = 12  # passes for each line of the table of fixes; enough to tell 0.1 from 0.9
BATCH, BATCH_LR = 128, 0.1  # of the mini-batches in the table of fixes; usual sizes
FINAL_EPOCHS, FINAL_LR, MOMENTUM = 6, 0.1, 0.9  # of the fixed nets: past 0.975 in about 4 epochs, so 6 leave room
SEEDS = (0, 1, 2)  # of the fixed nets; their median counts
DEEP_SEEDS = (0, 1)  # of the deep printed net: the level of its loss depends on the seed, its failure does not
PUBLISHED_SHALLOW = dict(
    train_loss=1.3081, train_accuracy=0.6387, test_loss=1.2449, test_accuracy=0.6483
)  # document 002
PUBLISHED_DEEP = {46: -10.11, 47: -10.13, 48: -10.16, 49: -10.18}  # document 002, by epoch
GOAL = 0.975  # test accuracy that both shapes must pass, median of the seeds

AS_PRINTED, FOR_RELU = both("as printed", "原样"), both("softmax for the last ReLU", "末层 ReLU 换成 softmax")
ACCURACIES, NOTHING = both("0.0784 to 0.0984", "0.0784 至 0.0984"), both("nothing", "没有")
NUMBERS = {
    "train_loss": both("train loss", "训练损失"),
    "train_accuracy": both("train accuracy", "训练准确率"),
    "test_loss": both("test loss", "测试损失"),
    "test_accuracy": both("test accuracy", "测试准确率"),
}  # what is measured after each epoch

REASONS_IN_CHINESE = {
    "SHALLOW": "文献给出，加一列 1 为 785",
    "DEEP": "文献给出，同样加一列 1",
    "SCALE": "文献未给出；像素取 0 到 1",
    "LR": "文献给出：对批量求和的 1e-5（批量未给出；文献中下降的速度相当于全部样本）",
    "EPS": "文献给出：加在对数里面",
    "FIXING_EPOCHS": "修正表中每一行遍历数据的次数；足以区分 0.1 与 0.9",
    "BATCH, BATCH_LR": "修正表中的小批量；常用的大小",
    "FINAL_EPOCHS, FINAL_LR, MOMENTUM": "修正后的网络所用：约 4 轮超过 0.975，6 轮留有余地",
    "SEEDS": "修正后的网络所用；取中位数",
    "DEEP_SEEDS": "文献所印的深层网络所用：损失的数值取决于种子，失败与种子无关",
    "PUBLISHED_DEEP": "文献 002，按轮次",
    "GOAL": "两种网络都须超过的测试准确率，各种子的中位数",
}
