"""`torch.nn`: surefit's layers, which also take device=, inplace= and size_average=."""

from __future__ import annotations

from typing import Any

from surefit import nn as own
from surefit.core.leaves import Parameter
from surefit.nn import (
    Flatten,
    Identity,
    Module,
    ModuleDict,
    ModuleList,
    ParameterDict,
    ParameterList,
    Sequential,
    Unflatten,
)
from surefit.torch.adapt import adapted_class, described, refusal
from surefit.torch.nn import functional, init, utils

_PLAIN: tuple[str, ...] = (
    "Flatten",
    "Identity",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
)
_PLAIN += ("Sequential", "Unflatten")
_OWN = ("MLP", "Residual", "Sin", "Square", "LogCoshLoss", "QuantileLoss", "functional", "init")


def _loss_class(cls: type) -> type:
    """A loss that takes size_average= and reduce=, and calls the function of this package."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        old = [kwargs.pop(k, None) for k in ("size_average", "reduce")]
        kwargs["reduction"] = functional.reduction_of(old[0], old[1], kwargs.get("reduction", "mean"))
        cls.__init__(self, *args, **kwargs)  # type: ignore[misc]

    names = {"MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss"}
    fields: dict[str, Any] = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": described(cls),
    }
    if cls.__name__ in names:
        function = getattr(functional, names[cls.__name__])

        def forward(self: Any, input: Any, target: Any) -> Any:
            options = {k: getattr(self, k) for k in ("beta", "delta") if hasattr(self, k)}
            return function(input, target, reduction=self.reduction, **options)

        fields["forward"] = forward
    return type(cls.__name__, (cls,), fields)


def _along_class(cls: type) -> type:
    """Softmax and its kin, whose dim may be left out."""

    def __init__(self: Any, dim: int | None = None) -> None:
        cls.__init__(self, dim)  # type: ignore[misc]

    def forward(self: Any, input: Any) -> Any:
        dim = functional.implicit_dim(input) if self.dim is None else self.dim
        return getattr(
            own.functional, {"Softmax": "softmax", "LogSoftmax": "log_softmax"}.get(cls.__name__, "softmin")
        )(input, dim)

    return type(cls.__name__, (cls,), {"__init__": __init__, "forward": forward, "__module__": __name__})


def _channels_class(cls: type) -> type:
    """Dropout of channels from the stream of `manual_seed`, which is no part of the state_dict."""

    def __init__(self: Any, p: float = 0.5, inplace: bool = False) -> None:
        Module.__init__(self)
        self.p = own.Dropout(p, generator=0).p  # checks it

    def drawn_from(self: Any) -> Any:
        return functional.stream()

    fields = {
        "__init__": __init__,
        "generator": property(drawn_from),
        "__module__": __name__,
        "__doc__": described(cls),
    }
    return type(cls.__name__, (cls,), fields)


class Dropout(Module):
    """In training each element is zeroed with probability p and the others divided by 1 - p."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = own.Dropout(p, generator=0).p  # checks it

    def forward(self, input: Any) -> Any:
        return functional.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace=False"


_names = [n for n in own.__all__ if n not in (*_PLAIN, *_OWN, "Dropout")]
for _name in _names:
    _cls = getattr(own, _name)
    if _name.endswith("Loss"):
        globals()[_name] = _loss_class(_cls)
    elif _name in ("Dropout1d", "Dropout2d"):
        globals()[_name] = _channels_class(_cls)
    elif _name in ("Softmax", "LogSoftmax", "Softmin"):
        globals()[_name] = _along_class(_cls)
    else:
        globals()[_name] = adapted_class(_cls, __name__, ("inplace",))

_ELSEWHERE = {
    "EmbeddingBag": "use Embedding(...)(index).mean(-2), or .sum(-2)",
    "MultiheadAttention": "use nn.functional.scaled_dot_product_attention between Linear layers",
    **dict.fromkeys(
        "Transformer TransformerEncoder TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer".split(),
        "use nn.functional.scaled_dot_product_attention, Linear and LayerNorm",
    ),
    **dict.fromkeys(
        "LazyLinear LazyConv1d LazyConv2d LazyBatchNorm1d LazyBatchNorm2d".split(), "name the number of inputs"
    ),
    **dict.fromkeys(
        "Conv3d ConvTranspose3d MaxPool3d AvgPool3d BatchNorm3d Dropout3d".split(),
        "one and two axes alone, as in Conv2d",
    ),
    **dict.fromkeys(
        "AdaptiveMaxPool1d AdaptiveMaxPool2d".split(), "use AdaptiveAvgPool, or x.amax((-2, -1)) for one place"
    ),
    **dict.fromkeys(
        (f"{kind}Pad{d}d" for kind in ("Zero", "Constant", "Reflection", "Replication") for d in (1, 2)),
        "use nn.functional.pad, or padding= and padding_mode= of the convolution",
    ),
    "AlphaDropout": "use Dropout",
    "RReLU": "use LeakyReLU",
    "PixelShuffle": "use nn.functional.pixel_shuffle",
    **dict.fromkeys(("Unfold", "Fold"), "use tensor.unfold(dimension, size, step)"),
    "CTCLoss": "it is not a loss of a fit",
    **dict.fromkeys(("MultiLabelSoftMarginLoss", "MultiLabelMarginLoss"), "use BCEWithLogitsLoss"),
    "MultiMarginLoss": "use CrossEntropyLoss",
    "DistributedDataParallel": "surefit computes on one CPU: use the network itself",
    "DataParallel": "surefit computes on one CPU: use the network itself",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise refusal("surefit.torch.nn", name, _ELSEWHERE, list(__all__))


__all__ = ["Dropout", "functional", "init", "utils", *_PLAIN, *_names]
