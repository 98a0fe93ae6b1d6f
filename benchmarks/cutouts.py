"""How well a network cuts products out: masks of the studio that it has not seen, and photos taken at home.

    python benchmarks/cutouts.py --studio 5000 --image-size 128 [--data photos/ --home home/] [--core-seconds 3600]
        [--out proofs/cutouts]

The recipe `cutout` learns from the studio's photos with their masks and, with `--data`, from photos before a background
of one colour, whose masks come from it: both as they are and before backgrounds that are made up. It goes on where it
was stopped. Prints, of validation photos of the studio, and of those of `--data`:

- IoU: what mask and truth share, of what either has, at half opacity; mean over photos. Of photos as they are (plain)
  and before made-up backgrounds (made up); and the 5 % of photos where it is lowest
- the same of what `cutout` does without a network, where it finds a mask; made-up backgrounds are refused

Written to `--out`: `table.md`; `grid.png`: studio photos before made-up backgrounds, truth, mask, cut-out; and with
`--home`, a folder or zip of photos, `home.png`: photos, masks, cut-outs on a colour, of which there is no truth.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from proving import SHOWN, parser_of, proved, recipe_of, show_grid, show_table, told

import tfproductgan as tpg
from tfproductgan.catalogue.cutting import cut, placed
from tfproductgan.catalogue.masks import product_mask
from tfproductgan.cli.data_options import add_data_options, catalogue_from

SPLITS = ("train", "validation")
GROUND = Image.new("RGB", (1, 1), (90, 150, 200))
LOWEST = 5  # percent


def some_of(catalogue, count: int) -> tpg.Catalogue:
    """Photos of a catalogue without their labels, so many at most, each split with its share of them."""
    share = min(1.0, count / sum(map(catalogue.size, SPLITS)))
    found = {}
    for split in SPLITS:
        rows = np.random.default_rng(0).permutation(catalogue.size(split))[: round(share * catalogue.size(split))]
        found[split] = catalogue.images(split)[np.sort(rows)]
    splits = [split for split in SPLITS for _ in found[split]]
    return tpg.Catalogue.from_arrays(
        np.concatenate(list(found.values())), splits=splits, image_size=catalogue.image_size
    )


def parts_of(catalogue, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Photos, as they are and then before made-up backgrounds, and their masks."""
    return np.concatenate(list(catalogue.source_batches(split))), catalogue.images(split)


def together(catalogues: list) -> tpg.Catalogue:
    """One catalogue of what several learn from."""
    found = {split: [parts_of(each, split) for each in catalogues] for split in SPLITS}
    sources, masks = (np.concatenate([part[n] for split in SPLITS for part in found[split]]) for n in (0, 1))
    splits = [split for split in SPLITS for part in found[split] for _ in part[0]]
    return tpg.Catalogue.from_arrays(masks, splits=splits, sources=sources, image_size=catalogues[0].image_size)


def shared(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Intersection over union of masks and the truth at half opacity, `[N]`."""
    one, other = (each.reshape(len(each), -1) > 127 for each in (masks, truth))
    return (one & other).sum(axis=1) / np.maximum((one | other).sum(axis=1), 1)


def by_background(photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of photos without a network, and which have one."""
    found = [product_mask(photo) for photo in photos]
    there = np.array([mask is not None for mask in found])
    masks = [np.zeros(photos.shape[1:3]) if mask is None else mask for mask in found]
    return np.rint(255 * np.stack(masks)).astype(np.uint8)[..., None], there


def masks_by(model, photos: np.ndarray) -> np.ndarray:
    """Masks by a network."""
    return model.translate_squares(photos, np.zeros((len(photos), 0), np.int32))


def cut_outs(photos: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Products before a colour, without a shadow."""
    made = [cut(Image.fromarray(p), m[..., 0] / 255, plain=False) for p, m in zip(photos, masks, strict=True)]
    return np.stack([np.asarray(placed(each, GROUND, 0.0)) for each in made])


def rows_for(name: str, model, photos: np.ndarray, truth: np.ndarray) -> list[list]:
    """The rows of the table for photos whose masks are known, the first half of them as they are."""
    rows = []
    masks, half = masks_by(model, photos), len(photos) // 2
    for what, which in (("plain", slice(half)), ("made up", slice(half, None))):
        found = shared(masks[which], truth[which])
        rows.append(
            [f"{name}, {what}", "network", len(found), float(found.mean()), float(np.percentile(found, LOWEST))]
        )
    alone, there = by_background(photos[:half])
    found = shared(alone[there], truth[:half][there])
    rows.append([f"{name}, plain", "background", len(found), float(found.mean()), float(np.percentile(found, LOWEST))])
    return rows


def main() -> None:
    """Train and measure what the words say."""
    parser = parser_of(__doc__, "cutouts", judge=False)
    parser.add_argument("--studio", type=int, default=5000, metavar="COUNT", help="photos of the studio")
    parser.add_argument("--photos", type=int, default=5000, metavar="COUNT", help="photos of --data at most")
    parser.add_argument("--home", metavar="PATH", help="photos with cluttered backgrounds to look at")
    add_data_options(parser, required=False)
    args = parser.parse_args()
    size = args.image_size or 128
    studio = tpg.Catalogue.studio(args.studio, image_size=size, attributes=["category"], source="mask").with_masks()
    learnt_from = {"studio": studio}
    if args.data:
        args.image_size = size
        learnt_from["photos"] = some_of(catalogue_from(args), args.photos).with_masks()
    model, found = proved(together(list(learnt_from.values())), recipe_of(args, "cutout"), args.core_seconds, args.out)
    told("cutout", found)
    held_out = {name: parts_of(each, "validation") for name, each in learnt_from.items()}
    rows = [row for name, parts in held_out.items() for row in rows_for(name, model, *parts)]
    show_table(["photos", "told by", "", "IoU", f"IoU, lowest {LOWEST} %"], rows, args.out / "table.md")
    photos, truth = held_out["studio"]
    few = len(photos) // 2 + np.linspace(0, len(photos) // 2 - 1, SHOWN).astype(int)
    made = masks_by(model, photos[few])
    grid = {"studio": photos[few], "truth": truth[few], "mask": made, "cut out": cut_outs(photos[few], made)}
    if "photos" in held_out:
        photos = held_out["photos"][0]
        made = masks_by(model, photos[len(photos) // 2 :][:SHOWN])
        grid |= {"photos": photos[len(photos) // 2 :][:SHOWN], "their mask": made}
    show_grid(grid, args.out / "grid.png")
    if args.home:
        photos = tpg.Catalogue.from_folder(args.home, image_size=size).images("validation")
        few = photos[np.linspace(0, len(photos) - 1, 4 * SHOWN).astype(int)]
        made = masks_by(model, few)
        cuts = cut_outs(few, made)
        rows = [slice(at, at + SHOWN) for at in range(0, len(few), SHOWN)]
        shown = [
            (f"{name} {number}", pictures[row])
            for number, row in enumerate(rows, 1)
            for name, pictures in (("photo", few), ("mask", made), ("cut out", cuts))
        ]
        show_grid(dict(shown), args.out / "home.png")


if __name__ == "__main__":
    main()
