import torch.nn as nn
import torch.nn.functional as F

import torch

a, b = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0])
result = [nn.MSELoss(size_average=False)(a, b).item(), nn.L1Loss(reduction="none")(a, b).tolist()]
result += [F.mse_loss(a, b, reduction="sum").item(), nn.HuberLoss()(a, torch.zeros(2)).item()]
assert result[0] == 5
