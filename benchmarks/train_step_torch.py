"""The dcgan family's networks and training step in PyTorch; `train_step.py` starts this file as a process of its own.

Needs torch alone, and `measuring.py` beside it. Reads one JSON object with what to build, then lines of what to do and
how often: `step 3`.
"""

from __future__ import annotations

import itertools
import json
import sys

import torch
from measuring import measure_what_is_asked, measured_memory, peak_megabytes
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


class Normalization(nn.BatchNorm2d):
    """Batch normalisation that does not look at the style."""

    def forward(self, x, style):
        return super().forward(x)


def doubling(upsampling, a, b):
    """What makes a feature map twice as large."""
    if upsampling == "learned":
        return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)
    smooth = {"align_corners": False} if upsampling == "bilinear" else {}
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=upsampling, **smooth), nn.Conv2d(a, b, 3, 1, 1, bias=False))


class Generator(nn.Module):
    """As `tfproductgan.networks.dcgan.DCGANGenerator`."""

    def __init__(self, spec):
        super().__init__()
        style, widths = spec["latent_dim"] + spec["embedding_dim"], spec["generator_widths"]
        self.embedding = ConditionEmbedding(spec["num_ids"], spec["embedding_dim"])
        self.first, inner = widths[0], spec["inner_convs"][0]
        self.stem = nn.Linear(style, 16 * self.first, bias=False)
        convs = [nn.Conv2d(self.first, self.first, 3, 1, 1, bias=False) for _ in range(inner)]
        convs += [doubling(spec["upsampling"], a, b) for a, b in itertools.pairwise(widths)]
        self.convs = nn.ModuleList([nn.Identity(), *convs])
        stages, sizes = enumerate([self.first] * inner + widths), spec["latent_sizes"]
        self.with_latents = [sizes is None or max(0, stage - inner) < sizes for stage, _ in stages]
        self.norms = nn.ModuleList(
            ModulatedNormalization(width, style if with_latents else spec["embedding_dim"])
            if spec["form"] == "modern"
            else Normalization(width)
            for width, with_latents in zip([self.first] * inner + widths, self.with_latents, strict=True)
        )
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, latents, conditions):
        condition = self.embedding(conditions)
        style = torch.cat([latents, condition], dim=1)
        x = self.stem(style).view(-1, self.first, 4, 4)
        for conv, norm, with_latents in zip(self.convs, self.norms, self.with_latents, strict=True):
            x = functional.relu(norm(conv(x), style if with_latents else condition))
        return torch.tanh(self.to_rgb(x)).float()


class Discriminator(nn.Module):
    """As `tfproductgan.networks.dcgan.DCGANDiscriminator` in the modern form."""

    def __init__(self, spec):
        super().__init__()
        widths = spec["discriminator_widths"]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise((3, *widths)))
        inner = spec["inner_convs"][1]
        self.inner = nn.ModuleList(nn.Conv2d(widths[-1], widths[-1], 3, 1, 1) for _ in range(inner))
        features = 16 * widths[-1]
        self.head = nn.Linear(features, 1)
        self.projection = ConditionEmbedding(spec["num_ids"], features)
        self.scale = features**-0.5

    def forward(self, images, conditions):
        x = images
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.2)
        for conv in self.inner:
            x = x + functional.leaky_relu(conv(x), 0.2)
        x = x.flatten(1).float()
        logits = self.head(x)[:, 0]
        if conditions.ndim == 2:
            return logits + self.scale * (x * self.projection(conditions)).sum(dim=1)
        vectors = self.projection(conditions.flatten(0, 1)).view(*conditions.shape[:2], -1)
        return logits[:, None] + self.scale * (x[:, None] * vectors).sum(dim=2)


class Step:
    """One training step: relativistic loss, matching, R1 and R2 as often as wanted, Adam, averaged generator."""

    def __init__(self, spec, bfloat16, channels_last, compiled):
        torch.manual_seed(0)
        form = torch.channels_last if channels_last else torch.contiguous_format
        self.generator = Generator(spec).to(memory_format=form)
        self.average = Generator(spec).to(memory_format=form).requires_grad_(False).eval()
        self.discriminator = Discriminator(spec).to(memory_format=form)
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
        self.bfloat16, self.clip, self.num_ids, self.weight = bfloat16, spec["clip"], spec["num_ids"], spec["matching"]
        self.penalties, self.interval, self.steps = spec["penalties"], spec["penalty_interval"], 0
        self.batch, self.latent_dim, size = spec["batch"], spec["latent_dim"], spec["image_size"]
        self.images = torch.randint(0, 256, (self.batch, 3, size, size), dtype=torch.uint8).to(memory_format=form)
        self.conditions = self._conditions(self.batch)

    def _conditions(self, count):
        return torch.stack([torch.randint(0, n, (count,)) for n in self.num_ids], dim=1)

    def _asked(self):
        """Own conditions, and if they are to be told from others, those with one attribute of another photo."""
        if not self.weight:
            return self.conditions
        asked = self.conditions[:, None].repeat(1, 1 + len(self.num_ids), 1)
        for place, count in enumerate(self.num_ids):
            asked[:, 1 + place, place] = torch.randint(1, count, (self.batch,))
        return asked

    def _matching(self, logits, asked):
        """Own logits, and what those for others' conditions cost."""
        if not self.weight:
            return logits, 0.0
        own, others = asked[:, :1], asked[:, 1:]
        counts = ((own != others).any(dim=2) & (own > 0).all(dim=2)).float()
        return logits[:, 0], self.weight * (counts * functional.softplus(logits[:, 1:] - logits[:, :1])).mean()

    def __call__(self):
        real = self.images.float() / 127.5 - 1
        latents = torch.randn(self.batch, self.latent_dim)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            fake = self.draw(latents, self.conditions)
            self._train_discriminator(real, fake.detach())
            self.discriminator.requires_grad_(False)
            with torch.no_grad():
                real_logits = self.discriminator(real, self.conditions)
            asked = self._asked()
            fake_logits, matching = self._matching(self.discriminator(fake, asked), asked)
            loss = functional.softplus(real_logits - fake_logits).mean() + matching
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
        penalties = self.penalties if self.steps % self.interval == 0 else {}
        self.steps += 1
        pictures = {"r1": real, "r2": fake}
        for name in penalties:
            pictures[name].requires_grad_()
        asked = self._asked()
        real_logits, matching = self._matching(self.discriminator(real, asked), asked)
        fake_logits = self.discriminator(fake, self.conditions)
        loss = functional.softplus(fake_logits - real_logits).mean() + matching
        if penalties:
            total = real_logits.sum() + fake_logits.sum()
            gradients = torch.autograd.grad(total, [pictures[name] for name in penalties], create_graph=True)
            for weight, gradient in zip(penalties.values(), gradients, strict=True):
                loss = loss + self.interval * weight * 0.5 * gradient.square().sum(dim=(1, 2, 3)).mean()
        self._apply(1, self.discriminator, loss)

    def _apply(self, index, network, loss):
        self.optimizers[index].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), self.clip)
        self.optimizers[index].step()

    @torch.inference_mode()
    def generate(self, count):
        """Pictures as bytes, by the averaged generator, sixteen at a time as ours are."""
        made = []
        for _ in range(0, count, 16):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
                images = self.average(torch.randn(16, self.latent_dim), self._conditions(16))
            made.append(((images + 1) * 127.5).round().clamp(0, 255).byte().numpy())
        return made


def main() -> None:
    """Build the variant asked for, then measure it as often as asked."""
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    try:
        step = Step(job["spec"], **job["options"])
        before = peak_megabytes()
        for _ in range(4):
            step()
        step.generate(job["pictures"])
    except Exception as error:  # a variant this PyTorch cannot run is reported, the others are measured
        print(json.dumps({"error": str(error).splitlines()[0]}), flush=True)
        return
    about = {"parameters": step.parameters, "torch": torch.__version__, "draws": True}
    print(json.dumps({**about, **measured_memory(before)}), flush=True)
    measure_what_is_asked({"step": step, "generate": lambda: step.generate(job["pictures"])})


if __name__ == "__main__":
    main()
