from torch.autograd import Function

import torch


class MyReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad = grad_output.clone()
        grad[x < 0] = 0
        return grad


x = torch.tensor([-1.0, 2.0, 3.0], requires_grad=True)
MyReLU.apply(x * 2).pow(2).sum().backward()
result = x.grad.tolist()
assert result == [0.0, 16.0, 24.0]
