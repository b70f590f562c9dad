"""Types of surefit.torch.nn, for tools. Written by scripts/signatures.py: change that."""

from typing import Any

from surefit import nn as _own
from surefit.nn import Flatten as Flatten
from surefit.nn import Identity as Identity
from surefit.nn import Module as Module
from surefit.nn import ModuleDict as ModuleDict
from surefit.nn import ModuleList as ModuleList
from surefit.nn import ParameterDict as ParameterDict
from surefit.nn import ParameterList as ParameterList
from surefit.nn import Sequential as Sequential
from surefit.nn import Unflatten as Unflatten
from surefit.core.leaves import Parameter as Parameter
from surefit.torch.nn import functional as functional
from surefit.torch.nn import init as init
from surefit.torch.nn import utils as utils

class Dropout(_own.Dropout):
    def __init__(self, p: Any = ..., *, generator: Any = ..., **kwargs: Any) -> None: ...

class CELU(_own.CELU):
    def __init__(self, alpha: Any = ..., **kwargs: Any) -> None: ...

class ELU(_own.ELU):
    def __init__(self, alpha: Any = ..., **kwargs: Any) -> None: ...

class GELU(_own.GELU):
    def __init__(self, approximate: Any = ..., **kwargs: Any) -> None: ...

class GLU(_own.GLU):
    def __init__(self, dim: Any = ..., **kwargs: Any) -> None: ...

class GRU(_own.GRU):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = ...,
        bias: Any = ...,
        batch_first: Any = ...,
        dropout: Any = ...,
        bidirectional: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class LSTM(_own.LSTM):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = ...,
        bias: Any = ...,
        batch_first: Any = ...,
        dropout: Any = ...,
        bidirectional: Any = ...,
        proj_size: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class RNN(_own.RNN):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = ...,
        nonlinearity: Any = ...,
        bias: Any = ...,
        batch_first: Any = ...,
        dropout: Any = ...,
        bidirectional: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class SELU(_own.SELU):
    def __init__(self, **kwargs: Any) -> None: ...

class AdaptiveAvgPool1d(_own.AdaptiveAvgPool1d):
    def __init__(self, output_size: Any, **kwargs: Any) -> None: ...

class AdaptiveAvgPool2d(_own.AdaptiveAvgPool2d):
    def __init__(self, output_size: Any, **kwargs: Any) -> None: ...

class AvgPool1d(_own.AvgPool1d):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        ceil_mode: Any = ...,
        count_include_pad: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class AvgPool2d(_own.AvgPool2d):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        ceil_mode: Any = ...,
        count_include_pad: Any = ...,
        divisor_override: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class BCELoss(_own.BCELoss):
    def __init__(self, weight: Any = ..., *, reduction: Any = ..., **kwargs: Any) -> None: ...

class BCEWithLogitsLoss(_own.BCEWithLogitsLoss):
    def __init__(self, weight: Any = ..., *, reduction: Any = ..., pos_weight: Any = ..., **kwargs: Any) -> None: ...

class BatchNorm1d(_own.BatchNorm1d):
    def __init__(
        self,
        num_features: Any,
        eps: Any = ...,
        momentum: Any = ...,
        affine: Any = ...,
        track_running_stats: Any = ...,
        *,
        bias: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class BatchNorm2d(_own.BatchNorm2d):
    def __init__(
        self,
        num_features: Any,
        eps: Any = ...,
        momentum: Any = ...,
        affine: Any = ...,
        track_running_stats: Any = ...,
        *,
        bias: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Bilinear(_own.Bilinear):
    def __init__(
        self,
        in1_features: Any,
        in2_features: Any,
        out_features: Any,
        bias: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Conv1d(_own.Conv1d):
    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        dilation: Any = ...,
        groups: Any = ...,
        bias: Any = ...,
        padding_mode: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Conv2d(_own.Conv2d):
    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        dilation: Any = ...,
        groups: Any = ...,
        bias: Any = ...,
        padding_mode: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class ConvTranspose1d(_own.ConvTranspose1d):
    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        output_padding: Any = ...,
        groups: Any = ...,
        bias: Any = ...,
        dilation: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class ConvTranspose2d(_own.ConvTranspose2d):
    def __init__(
        self,
        in_channels: Any,
        out_channels: Any,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        output_padding: Any = ...,
        groups: Any = ...,
        bias: Any = ...,
        dilation: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class CosineEmbeddingLoss(_own.CosineEmbeddingLoss):
    def __init__(self, margin: Any = ..., *, reduction: Any = ..., **kwargs: Any) -> None: ...

class CosineSimilarity(_own.CosineSimilarity):
    def __init__(self, dim: Any = ..., eps: Any = ..., **kwargs: Any) -> None: ...

class CrossEntropyLoss(_own.CrossEntropyLoss):
    def __init__(
        self,
        weight: Any = ...,
        *,
        ignore_index: Any = ...,
        reduction: Any = ...,
        label_smoothing: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Dropout1d(_own.Dropout1d):
    def __init__(self, p: Any = ..., *, generator: Any = ..., **kwargs: Any) -> None: ...

class Dropout2d(_own.Dropout2d):
    def __init__(self, p: Any = ..., *, generator: Any = ..., **kwargs: Any) -> None: ...

class Embedding(_own.Embedding):
    def __init__(
        self,
        num_embeddings: Any,
        embedding_dim: Any,
        padding_idx: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class GRUCell(_own.GRUCell):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        bias: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class GaussianNLLLoss(_own.GaussianNLLLoss):
    def __init__(self, *, full: Any = ..., eps: Any = ..., reduction: Any = ..., **kwargs: Any) -> None: ...

class GroupNorm(_own.GroupNorm):
    def __init__(
        self,
        num_groups: Any,
        num_channels: Any,
        eps: Any = ...,
        affine: Any = ...,
        *,
        bias: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Hardshrink(_own.Hardshrink):
    def __init__(self, lambd: Any = ..., **kwargs: Any) -> None: ...

class Hardsigmoid(_own.Hardsigmoid):
    def __init__(self, **kwargs: Any) -> None: ...

class Hardswish(_own.Hardswish):
    def __init__(self, **kwargs: Any) -> None: ...

class Hardtanh(_own.Hardtanh):
    def __init__(self, min_val: Any = ..., max_val: Any = ..., **kwargs: Any) -> None: ...

class HingeEmbeddingLoss(_own.HingeEmbeddingLoss):
    def __init__(self, margin: Any = ..., *, reduction: Any = ..., **kwargs: Any) -> None: ...

class HuberLoss(_own.HuberLoss):
    def __init__(self, reduction: Any = ..., delta: Any = ..., **kwargs: Any) -> None: ...

class InstanceNorm1d(_own.InstanceNorm1d):
    def __init__(
        self,
        num_features: Any,
        eps: Any = ...,
        momentum: Any = ...,
        affine: Any = ...,
        track_running_stats: Any = ...,
        *,
        bias: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class InstanceNorm2d(_own.InstanceNorm2d):
    def __init__(
        self,
        num_features: Any,
        eps: Any = ...,
        momentum: Any = ...,
        affine: Any = ...,
        track_running_stats: Any = ...,
        *,
        bias: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class KLDivLoss(_own.KLDivLoss):
    def __init__(self, *, reduction: Any = ..., log_target: Any = ..., **kwargs: Any) -> None: ...

class L1Loss(_own.L1Loss):
    def __init__(self, *, reduction: Any = ..., **kwargs: Any) -> None: ...

class LSTMCell(_own.LSTMCell):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        bias: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class LayerNorm(_own.LayerNorm):
    def __init__(
        self,
        normalized_shape: Any,
        eps: Any = ...,
        elementwise_affine: Any = ...,
        bias: Any = ...,
        *,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class LeakyReLU(_own.LeakyReLU):
    def __init__(self, negative_slope: Any = ..., **kwargs: Any) -> None: ...

class Linear(_own.Linear):
    def __init__(
        self,
        in_features: Any,
        out_features: Any,
        bias: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class LogSigmoid(_own.LogSigmoid):
    def __init__(self, **kwargs: Any) -> None: ...

class LogSoftmax(_own.LogSoftmax):
    def __init__(self, dim: Any, **kwargs: Any) -> None: ...

class MSELoss(_own.MSELoss):
    def __init__(self, *, reduction: Any = ..., **kwargs: Any) -> None: ...

class MarginRankingLoss(_own.MarginRankingLoss):
    def __init__(self, margin: Any = ..., *, reduction: Any = ..., **kwargs: Any) -> None: ...

class MaxPool1d(_own.MaxPool1d):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        dilation: Any = ...,
        return_indices: Any = ...,
        ceil_mode: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class MaxPool2d(_own.MaxPool2d):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = ...,
        padding: Any = ...,
        dilation: Any = ...,
        return_indices: Any = ...,
        ceil_mode: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class Mish(_own.Mish):
    def __init__(self, **kwargs: Any) -> None: ...

class NLLLoss(_own.NLLLoss):
    def __init__(self, weight: Any = ..., *, ignore_index: Any = ..., reduction: Any = ..., **kwargs: Any) -> None: ...

class PReLU(_own.PReLU):
    def __init__(self, num_parameters: Any = ..., init: Any = ..., *, dtype: Any = ..., **kwargs: Any) -> None: ...

class PairwiseDistance(_own.PairwiseDistance):
    def __init__(self, p: Any = ..., eps: Any = ..., keepdim: Any = ..., **kwargs: Any) -> None: ...

class PoissonNLLLoss(_own.PoissonNLLLoss):
    def __init__(
        self, log_input: Any = ..., full: Any = ..., *, eps: Any = ..., reduction: Any = ..., **kwargs: Any
    ) -> None: ...

class RMSNorm(_own.RMSNorm):
    def __init__(
        self, normalized_shape: Any, eps: Any = ..., elementwise_affine: Any = ..., *, dtype: Any = ..., **kwargs: Any
    ) -> None: ...

class RNNCell(_own.RNNCell):
    def __init__(
        self,
        input_size: Any,
        hidden_size: Any,
        bias: Any = ...,
        nonlinearity: Any = ...,
        *,
        generator: Any = ...,
        dtype: Any = ...,
        **kwargs: Any,
    ) -> None: ...

class ReLU(_own.ReLU):
    def __init__(self, **kwargs: Any) -> None: ...

class ReLU6(_own.ReLU6):
    def __init__(self, **kwargs: Any) -> None: ...

class SiLU(_own.SiLU):
    def __init__(self, **kwargs: Any) -> None: ...

class Sigmoid(_own.Sigmoid):
    def __init__(self, **kwargs: Any) -> None: ...

class SmoothL1Loss(_own.SmoothL1Loss):
    def __init__(self, *, reduction: Any = ..., beta: Any = ..., **kwargs: Any) -> None: ...

class SoftMarginLoss(_own.SoftMarginLoss):
    def __init__(self, *, reduction: Any = ..., **kwargs: Any) -> None: ...

class Softmax(_own.Softmax):
    def __init__(self, dim: Any, **kwargs: Any) -> None: ...

class Softmin(_own.Softmin):
    def __init__(self, dim: Any, **kwargs: Any) -> None: ...

class Softplus(_own.Softplus):
    def __init__(self, beta: Any = ..., threshold: Any = ..., **kwargs: Any) -> None: ...

class Softshrink(_own.Softshrink):
    def __init__(self, lambd: Any = ..., **kwargs: Any) -> None: ...

class Softsign(_own.Softsign):
    def __init__(self, **kwargs: Any) -> None: ...

class Tanh(_own.Tanh):
    def __init__(self, **kwargs: Any) -> None: ...

class Tanhshrink(_own.Tanhshrink):
    def __init__(self, **kwargs: Any) -> None: ...

class Threshold(_own.Threshold):
    def __init__(self, threshold: Any, value: Any, **kwargs: Any) -> None: ...

class TripletMarginLoss(_own.TripletMarginLoss):
    def __init__(
        self, margin: Any = ..., p: Any = ..., eps: Any = ..., swap: Any = ..., *, reduction: Any = ..., **kwargs: Any
    ) -> None: ...

class Upsample(_own.Upsample):
    def __init__(
        self, size: Any = ..., scale_factor: Any = ..., mode: Any = ..., align_corners: Any = ..., **kwargs: Any
    ) -> None: ...
