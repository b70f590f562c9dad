import torch
import torch.nn as nn

torch.manual_seed(0)
dec = nn.Sequential(
    nn.Unflatten(1, (8, 7, 7)),
    nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1),
    nn.ReLU(),
    nn.Upsample(scale_factor=2, mode="nearest"),
    nn.Conv2d(4, 1, 3, padding=1),
    nn.Sigmoid(),
)
y = dec(torch.randn(2, 8 * 49))
y.mean().backward()
up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
result = [
    list(y.shape),
    up(torch.arange(4.0).reshape(1, 1, 2, 2)).tolist(),
    nn.functional.interpolate(torch.arange(4.0).reshape(1, 1, 4), size=6, mode="linear").tolist(),
    nn.functional.interpolate(torch.arange(4.0).reshape(1, 1, 2, 2), scale_factor=2).tolist(),
]
