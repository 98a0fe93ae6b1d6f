"""The authors' pix2pix for so many core-seconds; `pix2pix.py` starts this file as a process of its own.

    python benchmarks/pix2pix_torch.py CHECKOUT PAIRS.npz MADE.npy STATE.pt ABOUT.json CORE_SECONDS

Needs torch and numpy alone. Networks are those of `models/networks.py` of the checkout, with its defaults for
`--model pix2pix`; what is here is what its `train.py` does with them: Adam of 2e-4 and .5, batches of one, enlarging by
an eighth and cropping, flips, L1 of weight 100, rates that fall to 0 over the second half. Dropout and statistics of
single pictures stay on for what is drawn, as in its `test.py`. A training that was stopped goes on from `STATE.pt`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time

import numpy as np
import torch
from torch.nn import functional

SAVED_EVERY = 120  # core-seconds


def load_networks(checkout: str):
    """The module `models/networks.py`, without the package around it and what that imports."""
    spec = importlib.util.spec_from_file_location("networks", f"{checkout}/models/networks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensor(pictures: np.ndarray) -> torch.Tensor:
    """uint8 `[N, S, S, C]` as `[N, C, S, S]` from -1 to 1."""
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)


def jittered(pair: torch.Tensor) -> torch.Tensor:
    """A pair enlarged by an eighth, a place of it cut out, half of them turned round."""
    size = pair.shape[-1]
    large = functional.interpolate(pair, size=size * 143 // 128, mode="bicubic", align_corners=False)
    top, left = (int(place) for place in torch.randint(large.shape[-1] - size + 1, (2,)))
    cut = large[..., top : top + size, left : left + size]
    return cut.flip(-1) if torch.rand(()) < 0.5 else cut


def main() -> None:
    """Train, draw, say how much was learnt from."""
    checkout, pairs, made, state, about, core_seconds = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    networks, arrays = load_networks(checkout), np.load(pairs)
    images, sources, asked = (arrays[name] for name in ("images", "sources", "asked"))
    size, in_channels, out_channels = images.shape[1], sources.shape[-1], images.shape[-1]
    family = "unet_256" if size % 256 == 0 else "unet_128"
    generator = networks.define_G(in_channels, out_channels, 64, family, "batch", use_dropout=True)
    discriminator = networks.define_D(in_channels + out_channels, 64, "basic", norm="batch")
    verdict = networks.GANLoss("vanilla")
    optimizers = [torch.optim.Adam(each.parameters(), 2e-4, (0.5, 0.999)) for each in (generator, discriminator)]
    kept = (generator, discriminator, *optimizers)
    before, seen, order = 0.0, 0, []
    if os.path.exists(state):
        states, before, seen, order, random = torch.load(state, weights_only=True)
        for each, value in zip(kept, states, strict=True):
            each.load_state_dict(value)
        torch.set_rng_state(random)
    begin, saved = time.process_time() - before, before
    parent = os.getppid()
    while (share := (spent := time.process_time() - begin) / float(core_seconds)) < 1:
        left_alone = os.getppid() != parent
        if spent - saved > SAVED_EVERY or left_alone:
            states = [each.state_dict() for each in kept]
            torch.save([states, spent, seen, order, torch.get_rng_state()], f"{state}.new")
            os.replace(f"{state}.new", state)
            saved = spent
            if left_alone:  # whoever wanted it has ended
                return
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = 2e-4 * min(1.0, 2 * (1 - share))
        order = order or np.random.default_rng(seen).permutation(len(images)).tolist()
        row = order.pop()
        pair = jittered(torch.cat([tensor(sources[row : row + 1]), tensor(images[row : row + 1])], 1))
        source, photo = pair[:, :in_channels], pair[:, in_channels:]
        picture = generator(source)
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)
        optimizers[1].zero_grad()
        fake = verdict(discriminator(torch.cat([source, picture.detach()], 1)), False)
        (0.5 * (fake + verdict(discriminator(pair), True))).backward()
        optimizers[1].step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        optimizers[0].zero_grad()
        adversarial = verdict(discriminator(torch.cat([source, picture], 1)), True)
        (adversarial + 100 * functional.l1_loss(picture, photo)).backward()
        optimizers[0].step()
        seen += 1
    with torch.no_grad():
        drawn = np.concatenate([generator(tensor(asked[row : row + 1])).numpy() for row in range(len(asked))])
    levels = np.clip(np.round((drawn.transpose(0, 2, 3, 1) + 1) * 127.5), 0, 255).astype(np.uint8)
    np.save(made, levels)
    with open(about, "w") as file:
        json.dump({"images": seen, "cpu": round(spent, 1)}, file)
    if os.path.exists(state):
        os.remove(state)


if __name__ == "__main__":
    main()
