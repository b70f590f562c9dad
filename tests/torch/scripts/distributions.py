import torch
from torch.distributions import Normal, Bernoulli, Categorical, Uniform, kl_divergence

mu = torch.tensor([0.0, 1.0], requires_grad=True)
sd = torch.tensor([1.0, 2.0], requires_grad=True)
n = Normal(mu, sd)
kl = kl_divergence(n, Normal(0.0, 1.0)).sum()
kl.backward()
c = Categorical(logits=torch.tensor([[1.0, 2.0, 3.0]]))
b = Bernoulli(torch.tensor([0.3, 0.6]))
assert n.rsample((5,)).shape == (5, 2) and not n.sample().requires_grad
result = [
    n.log_prob(torch.tensor([0.5, 0.5])).tolist(),
    kl.item(),
    mu.grad.tolist(),
    sd.grad.tolist(),
    n.entropy().tolist(),
    c.log_prob(torch.tensor([1])).tolist(),
    c.probs.tolist(),
    c.entropy().tolist(),
    b.log_prob(torch.tensor([1.0, 0.0])).tolist(),
    b.entropy().tolist(),
    n.cdf(torch.tensor([0.2, 0.3])).tolist(),
    n.mean.tolist(),
    n.variance.tolist(),
    n.stddev.tolist(),
    Normal(torch.zeros(2), torch.ones(2)).icdf(torch.tensor([0.3, 0.7])).tolist(),
]
