"""What a network is, in words that a card may say and a model file keeps: "16 networks 4-256-256-1 mish, averaged"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from surefit import nn
from surefit.models.circular import Circular
from surefit.models.clipped import Clipped
from surefit.models.mean import Mean
from surefit.models.members import Blend, Members
from surefit.models.monotone_members import MonotoneMembers
from surefit.models.observed import layer_sizes
from surefit.models.rising import Rising
from surefit.models.scaled import Scaled
from surefit.models.trees import Trees
from surefit.sentences import Both, declare, joined, say

declare(
    {
        "network-members": Both("{count} networks {sizes} mish, averaged", "{count} 个 {sizes} mish 网络的平均"),
        "network-linear": Both("{count} linear models, averaged", "{count} 个线性模型的平均"),
        "network-monotone": Both("{count} networks of monotone units, averaged", "{count} 个单调单元网络的平均"),
        "network-trees": Both("{trees} trees of depth {depth}", "{trees} 棵深度为 {depth} 的树"),
        "network-times": Both("{count} x {what}", "{count} 个 {what}"),
        "network-circular": Both("{what} of cosines and sines", "{what}（以余弦和正弦为输入）"),
        "network-rising": Both("{what}, outputs rising", "{what}，各输出依次递增"),
        "network-clipped": Both("{what} clipped far from the rows", "{what}（远离数据行处截断）"),
        "network-recorded": Both("recorded network", "记录下来的网络"),
    }
)
QUIET = (nn.Linear, nn.Sequential, nn.Dropout)


def network_words(network: nn.Module) -> str:
    """Sizes and units of a network; of a mean the networks in it; of a class of somebody's own, its name."""
    counts = Counter(_parts(network))
    if len(counts) == 1 and counts.total() == 1:
        return next(iter(counts))
    return joined([_times(what, n) for what, n in counts.items()], (" + ", " + "))


def _times(what: str, count: int) -> str:
    return what if count == 1 else say("network-times", count=count, what=what)


def _parts(network: nn.Module) -> Iterator[str]:
    if isinstance(network, Blend):
        yield from _parts(network.first)
        yield from _parts(network.second)
    elif isinstance(network, Clipped):
        for part in _parts(network.network):
            yield say("network-clipped", what=part)
    elif isinstance(network, Mean):
        for model in network.models:
            yield from _parts(model.network if isinstance(model, Scaled) else model)
    else:
        yield _single(network)


def _single(network: nn.Module) -> str:
    said = getattr(network, "said", None)  # of one that a file holds; somebody's own class may mean another thing
    if isinstance(said, str):
        return said
    if isinstance(network, Members):
        if not network.hidden:
            return say("network-linear", count=network.members)
        units = network.weight3.shape[1]
        return say(
            "network-members", count=network.members, sizes=f"{network.inputs}-{units}-{units}-{network.outputs}"
        )
    if isinstance(network, MonotoneMembers):
        return say("network-monotone", count=network.members)
    if isinstance(network, Trees):
        return say("network-trees", trees=network.outputs * network.trees, depth=network.depth)
    if isinstance(network, (Circular, Rising)):
        code = "network-circular" if isinstance(network, Circular) else "network-rising"
        return say(code, what=network_words(network.network))
    widths = layer_sizes(network) if isinstance(network, nn.Sequential) else None
    if widths is None:
        return type(network).__name__
    kinds = dict.fromkeys(type(m).__name__ for m in network.modules() if not isinstance(m, QUIET) and not m._modules)
    return f"{'-'.join(map(str, widths))} {'/'.join(kinds).lower()}".rstrip()


__all__ = ["network_words"]
