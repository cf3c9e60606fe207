"""PyTorch: an eager loop over tensors in memory, with fused Adam and channels-last images."""

import functools

import torch
from torch.nn import functional as F

from native import HALVES, VARIATIONAL

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def dense(h, weights, activation=torch.relu):
    """Dense layers, the last one linear."""
    for i in range(0, len(weights), 2):
        h = F.linear(h, weights[i], weights[i + 1])
        h = activation(h) if i + 2 < len(weights) else h
    return h


def conv(h, kernel, bias):
    return F.conv2d(h, kernel, bias, padding="same")


def strided(h, kernel, bias):
    """Convolution of stride 2, padded as in TensorFlow for kernels of size 3."""
    return F.conv2d(F.pad(h, (0, 1, 0, 1)), kernel, bias, stride=2)


def transposed(h, kernel, bias):
    """Transposed convolution of stride 2, cropped as in TensorFlow for kernels of size 3."""
    return F.conv_transpose2d(h, kernel, bias, stride=2)[:, :, :-1, :-1]


def as_images(x):
    return x.reshape(-1, 1, 28, 28).contiguous(memory_format=torch.channels_last)


def conv_encode(x, w):
    images = as_images(x)
    h = torch.relu(F.max_pool2d(conv(images, w[0], w[1]), 2))
    return conv(torch.relu(F.max_pool2d(conv(h, w[2], w[3]), 2)), w[4], w[5])


def conv_decode(z, w):
    h = torch.relu(conv(z, w[0], w[1]))
    h = torch.relu(conv(F.interpolate(h, scale_factor=2), w[2], w[3]))
    return conv(F.interpolate(h, scale_factor=2), w[4], w[5]).flatten(1)


def pooled_encode(x, w):
    h = torch.relu(F.max_pool2d(conv(as_images(x), w[0], w[1]), 2))
    return torch.relu(F.max_pool2d(conv(h, w[2], w[3]), 2))


def transposed_decode(z, w):
    h = torch.relu(transposed(torch.relu(transposed(z, w[0], w[1])), w[2], w[3]))
    return conv(h, w[4], w[5]).flatten(1)


def strided_hidden(x, w):
    h = torch.relu(strided(torch.relu(strided(as_images(x), w[0], w[1])), w[2], w[3]))
    return torch.relu(F.linear(h.permute(0, 2, 3, 1).flatten(1), w[4], w[5]))


def small_decode(z, w):
    small = torch.relu(F.linear(z, w[0], w[1])).reshape(-1, 7, 7, 64)
    return transposed_decode(small.permute(0, 3, 1, 2), w[2:])


def posterior(x, w):
    h = torch.relu(F.linear(x, w[0], w[1])) if len(w) == 6 else strided_hidden(x, w)
    return F.linear(h, w[-4], w[-3]), F.linear(h, w[-2], w[-1])


ENCODE = {
    "sine": functools.partial(dense, activation=F.elu),
    "convolutional": conv_encode,
    "transposed": pooled_encode,
}
DECODE = {
    "sine": ENCODE["sine"],
    "convolutional": conv_decode,
    "transposed": transposed_decode,
    "convolutional variational": small_decode,
}


def halves(network, weights):
    encoder, decoder = HALVES[network]
    return weights[:encoder], weights[encoder : encoder + decoder]


def autoencoded(network, weights, x):
    """Codes, and outputs of the decoder before a sigmoid."""
    encoder, decoder = halves(network, weights)
    z = ENCODE.get(network, dense)(x, encoder)
    return z, DECODE.get(network, dense)(z, decoder)


def loss_of(network, weights, x):
    if network in VARIATIONAL:
        encoder, decoder = halves(network, weights)
        mean, log_variance = posterior(x, encoder)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        kl = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum()
        logits = DECODE.get(network, dense)(z, decoder)
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)
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

    def epoch(self, parts):
        """Train on batches, arrays of indices of one size each, and return the sum of the losses of all images."""
        sums = [self.step(self.x[rows]) * len(rows) for part in parts for rows in torch.from_numpy(part).to(DEVICE)]
        return float(sum(sums))

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
        return posterior(x, encoder)[0] if network in VARIATIONAL else ENCODE.get(network, dense)(x, encoder)

    def decode(z):
        return torch.sigmoid(DECODE.get(network, dense)(z, decoder))

    def decode_given(z):
        return decode(z.permute(0, 3, 1, 2) if z.ndim == 4 else z)

    functions = {"encode": encode, "decode": decode_given, "reconstruct": lambda x: decode(encode(x))}

    def on_arrays(function):
        return torch.no_grad()(lambda x: function(torch.from_numpy(x).to(DEVICE)).cpu().numpy())

    return {name: on_arrays(function) for name, function in functions.items()}
