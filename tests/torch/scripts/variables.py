from torch.autograd import Variable

import torch

x = Variable(torch.ones(2, 2), requires_grad=True)
y = x + 2
z = (y * y * 3).mean()
z.backward()
result = x.grad.tolist() + [float(z.data)]
assert z.grad_fn is not None and x.grad_fn is None and x.is_leaf
