"""PyTorch: an eager loop over tensors in memory, with fused Adam and channels-last images."""

import functools

import torch
from torch.nn import functional as F

from native import HALVES

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def dense(h, weights, activation=torch.relu):
    """Dense layers, the last one linear."""
    for i in range(0, len(weights), 2):
        h = F.linear(h, weights[i], weights[i + 1])
        h = activation(h) if i + 2 < len(weights) else h
    return h


def conv(h, kernel, bias):
    return F.conv2d(h, kernel, bias, padding="same")


def conv_encode(x, w):
    images = x.reshape(-1, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    h = torch.relu(F.max_pool2d(conv(images, w[0], w[1]), 2))
    return conv(torch.relu(F.max_pool2d(conv(h, w[2], w[3]), 2)), w[4], w[5])


def conv_decode(z, w):
    h = torch.relu(conv(z, w[0], w[1]))
    h = torch.relu(conv(F.interpolate(h, scale_factor=2), w[2], w[3]))
    return conv(F.interpolate(h, scale_factor=2), w[4], w[5]).flatten(1)


def posterior(x, w):
    h = torch.relu(F.linear(x, w[0], w[1]))
    return F.linear(h, w[2], w[3]), F.linear(h, w[4], w[5])


ENCODE = {"sine": functools.partial(dense, activation=F.elu), "convolutional": conv_encode}
DECODE = {"sine": ENCODE["sine"], "convolutional": conv_decode}


def halves(network, weights):
    encoder, decoder = HALVES[network]
    return weights[:encoder], weights[encoder : encoder + decoder]


def autoencoded(network, weights, x):
    """Codes, and outputs of the decoder before a sigmoid."""
    encoder, decoder = halves(network, weights)
    z = ENCODE.get(network, dense)(x, encoder)
    return z, DECODE.get(network, dense)(z, decoder)


def loss_of(network, weights, x):
    if network == "variational":
        encoder, decoder = halves(network, weights)
        mean, log_variance = posterior(x, encoder)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        kl = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum()
        return (F.binary_cross_entropy_with_logits(dense(z, decoder), x, reduction="sum") + kl) / len(x)
    _, out = autoencoded(network, weights, x)
    if network == "dense":
        return F.mse_loss(torch.sigmoid(out), x, reduction="sum") / len(x)
    return F.mse_loss(out, x) if network == "sine" else F.binary_cross_entropy_with_logits(out, x)


def adversarial_losses(own, discriminator, x):
    z, logits = autoencoded("adversarial", own, x)
    generated = dense(z, discriminator)
    loss = F.binary_cross_entropy_with_logits(logits, x) + 0.01 * F.softplus(-generated).mean()
    real = dense(torch.randn_like(z), discriminator)
    return loss, 0.5 * (F.softplus(-real).mean() + F.softplus(generated).mean())


def as_parameter(value):
    """Convert a weight from Keras's to PyTorch's layout."""
    tensor = torch.tensor(value, device=DEVICE)
    if tensor.ndim == 4:
        tensor = tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return (tensor.T.contiguous() if tensor.ndim == 2 else tensor).requires_grad_()


class Loop:
    def __init__(self, network, weights, x, learning_rate):
        torch.manual_seed(0)
        torch.set_flush_denormal(True)  # denormal numbers would take most of the time on some processors
        self.network, self.x = network, torch.tensor(x.reshape(len(x), -1), device=DEVICE)
        self.weights = [as_parameter(w) for w in weights]
        self.optimizer = torch.optim.Adam(self.weights, learning_rate, eps=1e-7, fused=True)

    def step(self, batch):
        if self.network == "adversarial":
            own, discriminator = self.weights[:12], self.weights[12:]
            loss, discriminator_loss = adversarial_losses(own, discriminator, batch)
            gradients = torch.autograd.grad(loss, own, retain_graph=True)
            gradients += torch.autograd.grad(discriminator_loss, discriminator)
            for weight, gradient in zip(self.weights, gradients, strict=True):
                weight.grad = gradient
        else:
            self.optimizer.zero_grad()
            loss = loss_of(self.network, self.weights, batch)
            loss.backward()
        self.optimizer.step()
        return loss.detach()

    def steps(self, rows):
        return float(sum(self.step(self.x[chosen]) for chosen in torch.from_numpy(rows).to(DEVICE)))

    @torch.no_grad()
    def loss(self, x):
        x = torch.tensor(x.reshape(len(x), -1), device=DEVICE)
        if self.network == "adversarial":
            return adversarial_losses(self.weights[:12], self.weights[12:], x)[0]
        return loss_of(self.network, self.weights, x)


def forward(network, weights):
    encoder, decoder = halves(network, [as_parameter(w).detach() for w in weights])

    def encode(x):
        x = x.flatten(1)
        return posterior(x, encoder)[0] if network == "variational" else ENCODE.get(network, dense)(x, encoder)

    def decode(z):
        z = z.permute(0, 3, 1, 2) if network == "convolutional" and z.shape[-1] == 1 else z
        return torch.sigmoid(DECODE.get(network, dense)(z, decoder))

    functions = {"encode": encode, "decode": decode, "reconstruct": lambda x: decode(encode(x))}

    def on_arrays(function):
        return torch.no_grad()(lambda x: function(torch.from_numpy(x).to(DEVICE)).cpu().numpy())

    return {name: on_arrays(function) for name, function in functions.items()}
