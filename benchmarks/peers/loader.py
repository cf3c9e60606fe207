"""A loop as in PyTorch tutorials: modules, and a `DataLoader` that converts image by image."""

import time

import numpy as np
import torch
from torch import nn


class Images(torch.utils.data.Dataset):
    """Images as bytes that are converted to [0, 1] on access, as by torchvision's `ToTensor`."""

    def __init__(self, x):
        self.images = np.round(x * 255).astype("uint8")

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return torch.from_numpy(self.images[i]).permute(2, 0, 1).contiguous().float().div(255)


class Variational(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        hidden, code = sizes
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in [(784, hidden), (hidden, code), (hidden, code)])
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def forward(self, x):
        h = torch.relu(self.layers[0](x))
        mean, log_variance = self.layers[1](h), self.layers[2](h)
        return self.decoder(mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)), mean, log_variance


def dense():
    sizes = [784, 128, 64, 32, 8, 32, 64, 128, 784]
    stack = []
    for i in range(8):
        stack += [nn.Linear(sizes[i], sizes[i + 1])] + ([] if i in (3, 7) else [nn.ReLU()])
    return nn.Sequential(*stack, nn.Sigmoid())


class make:
    def __init__(self, entry, weights, x, held_out):
        torch.manual_seed(0)
        self.variational = entry.network == "variational"
        self.net = Variational(entry.sizes or (400, 20)) if self.variational else dense()
        with torch.no_grad():
            for parameter, value in zip(self.net.parameters(), weights, strict=True):
                parameter.copy_(torch.tensor(value.T))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=entry.learning_rate, eps=1e-7)
        self.loader = torch.utils.data.DataLoader(Images(x), batch_size=entry.batch_size, shuffle=True)
        self.held_out = torch.tensor(held_out)

    def loss(self, x):
        x = x.view(len(x), -1)
        if not self.variational:
            return nn.functional.mse_loss(self.net(x), x, reduction="sum") / len(x)
        logits, mean, log_variance = self.net(x)
        bce = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (bce + 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum()) / len(x)

    def train(self, first, epochs):
        stamps, losses = [time.perf_counter()], []
        for _ in range(epochs):
            total = 0.0
            for x in self.loader:
                self.optimizer.zero_grad()
                loss = self.loss(x)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(x)
            losses.append(total / len(self.loader.dataset))
            stamps.append(time.perf_counter())
        return stamps, losses

    @torch.no_grad()
    def validate(self):
        return float(self.loss(self.held_out))
