"""The dcgan family's networks and training step in PyTorch; `train_step.py` starts this file as a process of its own.

Needs torch alone. Reads one JSON object with the measurements to come, then one line for each: a name of a variant.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class ConditionEmbedding(nn.Module):
    """Sums one learned vector an attribute."""

    def __init__(self, num_ids, dim):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, dim) for count in num_ids)

    def forward(self, conditions):
        return sum(table(conditions[:, index]) for index, table in enumerate(self.tables))


class ModulatedNormalization(nn.Module):
    """Batch normalisation with gain and bias from the style."""

    def __init__(self, channels, style):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.to_gain_and_bias = nn.Linear(style, 2 * channels)

    def forward(self, x, style):
        gain, bias = self.to_gain_and_bias(style)[:, :, None, None].chunk(2, dim=1)
        return self.norm(x) * (1 + gain) + bias


class Generator(nn.Module):
    """As `tfproductgan.networks.dcgan.DCGANGenerator` in the modern form."""

    def __init__(self, num_ids, size, widths, latent_dim, embedding_dim):
        super().__init__()
        style = latent_dim + embedding_dim
        self.embedding = ConditionEmbedding(num_ids, embedding_dim)
        self.first = widths[0]
        self.stem = nn.Linear(style, 16 * widths[0], bias=False)
        self.inner = nn.Conv2d(widths[0], widths[0], 3, padding=1, bias=False)
        self.inner_norm = ModulatedNormalization(widths[0], style)
        self.norms = nn.ModuleList(ModulatedNormalization(width, style) for width in widths)
        self.convs = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise(widths))
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, latents, conditions):
        style = torch.cat([latents, self.embedding(conditions)], dim=1)
        x = self.stem(style).view(-1, self.first, 4, 4)
        for index, norm in enumerate(self.norms):
            x = functional.relu(norm(self.convs[index - 1](x) if index else x, style))
            if index == 0:
                x = functional.relu(self.inner_norm(self.inner(x), style))
        return torch.tanh(self.to_rgb(x)).float()


class Discriminator(nn.Module):
    """As `tfproductgan.networks.dcgan.DCGANDiscriminator` in the modern form."""

    def __init__(self, num_ids, widths):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise((3, *widths)))
        self.inner = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        features = 16 * widths[-1]
        self.head = nn.Linear(features, 1)
        self.projection = ConditionEmbedding(num_ids, features)
        self.scale = features**-0.5

    def forward(self, images, conditions):
        x = images
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.2)
        x = x + functional.leaky_relu(self.inner(x), 0.2)
        x = x.flatten(1).float()
        return self.head(x)[:, 0] + self.scale * (x * self.projection(conditions)).sum(dim=1)


class Step:
    """One training step: relativistic loss, R1 and R2 each step, Adam, averaged generator."""

    def __init__(self, spec, bfloat16, channels_last, compiled):
        torch.manual_seed(0)
        ids, size = spec["num_ids"], spec["image_size"]
        form = torch.channels_last if channels_last else torch.contiguous_format
        make = (ids, size, spec["generator_widths"], spec["latent_dim"], spec["embedding_dim"])
        self.generator = Generator(*make).to(memory_format=form)
        self.average = Generator(*make).to(memory_format=form).requires_grad_(False)
        self.discriminator = Discriminator(ids, spec["discriminator_widths"]).to(memory_format=form)
        self.parameters = [
            sum(p.numel() for p in network.parameters()) for network in (self.generator, self.discriminator)
        ]
        # the penalties differentiate twice, which compiled functions do not: only the generator can be compiled
        self.draw = torch.compile(self.generator) if compiled else self.generator
        betas, rate = (spec["beta_1"], spec["beta_2"]), spec["learning_rate"]
        self.optimizers = [
            torch.optim.Adam(network.parameters(), rate, betas, fused=True)
            for network in (self.generator, self.discriminator)
        ]
        self.bfloat16, self.clip = bfloat16, spec["clip"]
        self.batch, self.latent_dim = spec["batch"], spec["latent_dim"]
        self.images = torch.randint(0, 256, (self.batch, 3, size, size), dtype=torch.uint8).to(memory_format=form)
        self.conditions = torch.stack([torch.randint(0, n, (self.batch,)) for n in ids], dim=1)

    def __call__(self):
        real = self.images.float() / 127.5 - 1
        latents = torch.randn(self.batch, self.latent_dim)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            fake = self.draw(latents, self.conditions)
            self._train_discriminator(real, fake.detach())
            self.discriminator.requires_grad_(False)
            with torch.no_grad():
                real_logits = self.discriminator(real, self.conditions)
            fake_logits = self.discriminator(fake, self.conditions)
            loss = functional.softplus(real_logits - fake_logits).mean()
        self.discriminator.requires_grad_(True)
        self._apply(0, self.generator, loss)
        with torch.no_grad():
            pairs = (
                (list(self.average.parameters()), list(self.generator.parameters())),
                (list(self.average.buffers()), list(self.generator.buffers())),
            )
            for averages, values in pairs:
                for average, value in zip(averages, values, strict=True):
                    average.lerp_(value, 0.01) if value.is_floating_point() else average.copy_(value)

    def _train_discriminator(self, real, fake):
        real, fake = real.requires_grad_(), fake.requires_grad_()
        real_logits = self.discriminator(real, self.conditions)
        fake_logits = self.discriminator(fake, self.conditions)
        total = real_logits.sum() + fake_logits.sum()
        gradients = torch.autograd.grad(total, (real, fake), create_graph=True)
        penalty = sum(0.5 * gradient.square().sum(dim=(1, 2, 3)).mean() for gradient in gradients)
        self._apply(1, self.discriminator, functional.softplus(fake_logits - real_logits).mean() + penalty)

    def _apply(self, index, network, loss):
        self.optimizers[index].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.clip)
        self.optimizers[index].step()


def main() -> None:
    """Build the variants asked for, then measure each as often as asked."""
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    steps = {}
    for name, options in job["variants"].items():
        try:
            step = Step(job["spec"], **options)
            for _ in range(3):
                step()
            steps[name] = step
        except Exception as error:  # a variant this PyTorch cannot run is reported, the others are measured
            print(json.dumps({"variant": name, "error": str(error).splitlines()[0]}), flush=True)
            continue
        print(json.dumps({"variant": name, "parameters": step.parameters, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        step = steps[line.strip()]
        start = time.perf_counter()
        for _ in range(job["steps"]):
            step()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
