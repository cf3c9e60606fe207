"""pythae's trainer and variational autoencoder, 784-512-8, in a separate environment."""

import logging
import tempfile
import time

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback


class Stopwatch(TrainingCallback):
    def __init__(self):
        self.stamps, self.losses = [], []

    def on_epoch_begin(self, config, **kwargs):
        self.stamps = self.stamps or [time.perf_counter()]

    def on_epoch_end(self, config, **kwargs):
        self.stamps.append(time.perf_counter())

    def on_log(self, config, logs, **kwargs):
        self.losses.append(logs["train_epoch_loss"])


class make:
    def __init__(self, entry, weights, x, held_out):
        logging.disable(logging.WARNING)
        code = entry.sizes[1]
        self.entry = entry
        self.model = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=code, reconstruction_loss="bce"))
        with torch.no_grad():
            parameters = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
            for parameter, value in zip(parameters, weights, strict=True):
                parameter.copy_(torch.tensor(value.T))
        x, self.held_out = (torch.tensor(images).permute(0, 3, 1, 2) for images in (x, held_out))
        self.data = BaseDataset(x, torch.ones(len(x)))

    def train(self, first, epochs):
        stopwatch = Stopwatch()
        with tempfile.TemporaryDirectory() as directory:
            config = BaseTrainerConfig(
                output_dir=directory,
                num_epochs=epochs,
                per_device_train_batch_size=self.entry.batch_size,
                learning_rate=self.entry.learning_rate,
                optimizer_cls="Adam",
                optimizer_params={"eps": 1e-7},
                no_cuda=True,
            )
            BaseTrainer(self.model, self.data, training_config=config, callbacks=[stopwatch]).train()
        return stopwatch.stamps, stopwatch.losses

    @torch.no_grad()
    def validate(self):
        return float(self.model({"data": self.held_out}).loss)
