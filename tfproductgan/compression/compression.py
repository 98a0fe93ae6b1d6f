"""Conversions of one model, each run and judged before it becomes a file."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tfproductgan
from tfproductgan.compression.conversions import Conversion, Pictures, network_of, pictures_of, typical_inputs
from tfproductgan.compression.portable import Inputs, sampler_inputs
from tfproductgan.errors import ConversionError
from tfproductgan.export.model_card import markdown_table
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.distances import LEAST, MOST_PSNR, kernel_distance, psnr
from tfproductgan.metrics.judge import Judge
from tfproductgan.models.trained import TrainedModel
from tfproductgan.training.run_directory import describe_environment
from tfproductgan.writing import write_json, write_text

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue

TABLE_JSON, TABLE_MARKDOWN = "compression.json", "compression.md"

BATCHES = (1, 16)
"""Pictures at a time at which speed is measured."""

_PICTURES = 128
_MOST_PICTURES = 1024  # where photos say how many
_STRUCTURE = 64 * 1024  # bytes of a file that are no weights
_ROUNDS, _SECONDS = 30, 1.0  # of timing a batch size, whichever comes first
_KID_SUBSETS = 50
_LEAST_SPEED = 0.5  # of the original's; a smaller file may cost some time, but not any


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one conversion.

    Args:
        conversion: Its name.
        file: Name of the file; `None` if there is none.
        error: Why there is none.
        refused: Whether the network's family has declared so, see its `refuses`.
        bytes: Size of what was made.
        share: Its size as a share of the original file's.
        psnr: Mean PSNR in decibels against the original's pictures of the same requests.
        worst_psnr: That of the worst picture.
        kid: Kernel distance to photos in what is shown, and its standard deviation; `None` without labelled photos.
        look_kid: The same in how it looks; `None` without photos.
        milliseconds: Batch size to milliseconds a picture.
        speed: Batch size to how many times as fast as the original it is, measured in turns with it.
    """

    conversion: str
    file: str | None = None
    error: str | None = None
    refused: bool = False
    bytes: int | None = None
    share: float | None = None
    psnr: float | None = None
    worst_psnr: float | None = None
    kid: tuple[float, float] | None = None
    look_kid: tuple[float, float] | None = None
    milliseconds: dict[int, float] = dataclasses.field(default_factory=dict)
    speed: dict[int, float] = dataclasses.field(default_factory=dict)


class Compressor:
    """Converts one model and judges what comes out.

    Args:
        model: A `TrainedModel`.
        catalogue: Its photos, which the pictures are compared with too; `None` only if no pictures go in.
        extractor: Whose features of photos and pictures are compared, beside those of `texture`: a name that
            `get_extractor` knows, an extractor, or `None` to compare pictures with the original's alone.

    Attributes:
        original: The `Outcome` of the model itself.
        num_pictures: How many pictures each conversion draws to be judged.
        num_photos: How many photos they are compared with; 0 without.
    """

    def __init__(self, model: TrainedModel, catalogue: Catalogue | None = None, extractor: Any = "catalogue"):
        self.model = model
        self._network = network_of(model)
        self._typical = typical_inputs(model, catalogue)
        unseen = catalogue.size("validation") if catalogue is not None else 0
        judge, self._views, count = None, {}, _PICTURES
        if extractor is not None and unseen >= LEAST["kid"]:
            judge = Judge(catalogue, extractor, "validation")
            views = {"kid": judge.extractor} if judge.extractor is not judge.texture else {}
            for name, judging in (views | {"look_kid": judge.texture}).items():
                self._views[name] = judging, judge.features("validation", judging).features
            count = min(unseen, _MOST_PICTURES)
        self.num_photos = unseen if self._views else 0
        if judge is not None and model.asks == "sampler":
            requests = Counterparts(model, catalogue, "validation").requests(judge.rows(count))
            self._inputs = sampler_inputs(
                requests, model.schema, model.latent_dim, model.sampling_network.truncates_latents
            )
        else:
            self._inputs = typical_inputs(model, catalogue, "validation" if unseen else "train", count, seed=0)
        self.num_pictures = len(self._inputs["conditions"])
        self._draw = pictures_of(self._network)
        self._drawn = _all_pictures(self._draw, self._inputs)
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder, "generator.keras"))
            self._bytes = Path(folder, "generator.keras").stat().st_size
        self.original = Outcome(
            "original",
            bytes=self._bytes,
            share=1.0,
            **self._kernel_distances(self._drawn),
            milliseconds={batch: in_turns([self._draw], self._inputs, batch)[0] for batch in BATCHES},
            speed=dict.fromkeys(BATCHES, 1.0),
        )

    def convert(self, conversion: Conversion, out: Path) -> Outcome:
        """Make one form, draw with it, and keep it in a folder if it is what it should be."""
        network = type(self._network)
        if conversion.name in network.refuses:
            reason = network.refuses[conversion.name]
            words = f"{network.__name__} cannot be converted to {conversion.name}: {reason}"
            return Outcome(conversion.name, error=words, refused=True)
        found: dict[str, Any] = {}
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{conversion.name}.", dir=out))
        try:
            path = folder / conversion.file
            conversion.write(self.model, path, self._typical)
            self._weigh(path, conversion, found)
            draw = conversion.open(path)
            self._judge(draw, conversion, found)
            self._time(draw, found)
            for made in folder.iterdir():
                made.replace(out / made.name)
            found["file"] = conversion.file
        except Exception as error:  # converters and runtimes raise nearly anything, and the others go on
            found["error"] = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Outcome(conversion.name, **found)

    def _weigh(self, path, conversion, found):
        size = path.stat().st_size
        found |= {"bytes": size, "share": size / self._bytes}
        weights, structure = 4 * self._network.count_params(), _STRUCTURE
        if path.suffix == ".keras":  # holds all networks of the model, and the same facts as the original
            weights = 4 * sum(self.model.parameters().values())
            structure = max(structure, self._bytes - weights)
        least, most = (share * weights for share in conversion.shares)
        if size < least:
            raise ConversionError(f"The file has lost weights: {size:,} bytes, expected {least:,.0f} or more.")
        if size > most + structure:
            raise ConversionError(f"The file is too large: {size:,} bytes, expected {most + structure:,.0f} or less.")

    def _judge(self, draw, conversion, found):
        drawn = _all_pictures(draw, self._inputs)
        values = np.minimum(psnr(self._drawn, drawn), MOST_PSNR)
        found |= {"psnr": float(values.mean()), "worst_psnr": float(values.min())}
        if conversion.least_psnr is not None and not found["psnr"] >= conversion.least_psnr:
            raise ConversionError(
                f"The pictures differ too much: {found['psnr']:.1f} dB, expected {conversion.least_psnr} or more."
            )
        distances = self._kernel_distances(drawn)
        found |= distances
        for name, (value, std) in distances.items():
            before, std_before = getattr(self.original, name)
            most = before * conversion.kid_slack + 2 * float(np.hypot(std, std_before))
            if not value <= most:
                raise ConversionError(f"Too far from the photos: {name} {value:.3g}, expected {most:.3g} or less.")

    def _kernel_distances(self, pictures):
        """To photos in each view, and their standard deviations."""
        subset, found = max(min(len(pictures), self.num_photos) // 2, 2), {}
        for name, (extractor, photos) in self._views.items():
            estimate = kernel_distance(photos, extractor.features(pictures), subset, _KID_SUBSETS, force=True)
            found[name] = (estimate.value, estimate.std)
        return found

    def _time(self, draw, found):
        times = {batch: in_turns([self._draw, draw], self._inputs, batch) for batch in BATCHES}
        found["milliseconds"] = {batch: after for batch, (_, after) in times.items()}
        found["speed"] = {batch: before / after for batch, (before, after) in times.items()}
        fastest = max(found["speed"].values())
        if fastest < _LEAST_SPEED:
            raise ConversionError(f"Too slow on this machine: {fastest:.2g} times the original's speed at best.")


def compress(
    model: TrainedModel,
    out: str | Path,
    conversions: Sequence[Conversion],
    catalogue: Catalogue | None = None,
    extractor: Any = "catalogue",
    progress: Callable[[str], None] = lambda what: None,
) -> list[Outcome]:
    """Convert a model to several forms, judge each, and write a table of them.

    A form that lost its weights or its quality is no file; the others go on.

    Args:
        model: A `TrainedModel`.
        out: Folder of the files, of `compression.json` and `compression.md`.
        conversions: Values of `CONVERSIONS`, or `pruned_conversion`.
        catalogue: See `Compressor`, as `extractor`.
        extractor: Whose features of photos and pictures are compared.
        progress: Called with what is being done.

    Returns:
        The original's outcome and one a conversion.
    """
    out = Path(out)
    progress("Drawing the original's pictures")
    compressor = Compressor(model, catalogue, extractor)
    outcomes = [compressor.original]
    for conversion in conversions:
        progress(f"Converting to {conversion.name}")
        outcomes.append(compressor.convert(conversion, out))
        _write_tables(out, compressor, outcomes)
    return outcomes


# === Measuring ===


def _all_pictures(draw, inputs):
    count, step = len(inputs["conditions"]), BATCHES[-1]
    return np.concatenate([draw(_rows(inputs, start, start + step)) for start in range(0, count, step)])


def _rows(inputs, start, stop):
    return {name: values[start:stop] for name, values in inputs.items()}


def in_turns(draws: Sequence[Pictures], inputs: Inputs, batch: int) -> list[float]:
    """Milliseconds a picture of each at so many pictures at a time, timed in turns.

    The fastest of several rounds counts: other programs only make it slower.
    """
    inputs = _rows(inputs, 0, batch)
    best = [np.inf] * len(draws)
    for draw in draws:  # the first calls build and choose
        draw(inputs)
    end = time.perf_counter() + _SECONDS * len(draws)
    for _ in range(_ROUNDS):
        for place, draw in enumerate(draws):
            start = time.perf_counter()
            draw(inputs)
            best[place] = min(best[place], time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return [1000 * seconds / len(inputs["conditions"]) for seconds in best]


# === The table ===


_TIMES = tuple(f"{what} at {n}" for what in ("ms", "x") for n in BATCHES)
HEADINGS = ("form", "MB", "size", "PSNR dB", "kid", "look_kid", *_TIMES)


def table_row(outcome: Outcome) -> list[str]:
    """An outcome in words, as `HEADINGS` say."""

    def shown(number, words):
        return words.format(number) if number is not None else "–"

    return [
        outcome.conversion,
        shown(outcome.bytes and outcome.bytes / 1e6, "{:.2f}"),
        shown(outcome.share and 100 * outcome.share, "{:.0f}%"),
        shown(outcome.psnr, "{:.1f}"),
        shown(outcome.kid, "{0[0]:.4f}"),
        shown(outcome.look_kid, "{0[0]:.4f}"),
        *(shown(outcome.milliseconds.get(batch), "{:.2f}") for batch in BATCHES),
        *(shown(outcome.speed.get(batch), "{:.1f}x") for batch in BATCHES),
    ]


def _write_tables(out, compressor, outcomes):
    facts = {
        "model_id": compressor.model.model_id,
        "tfproductgan": tfproductgan.__version__,
        "pictures": compressor.num_pictures,
        "photos": compressor.num_photos,
        "machine": describe_environment(),
        "forms": [dataclasses.asdict(outcome) for outcome in outcomes],
    }
    write_json(out / TABLE_JSON, facts)
    seen = f"; distances to {compressor.num_photos} photos the model has not seen" if compressor.num_photos else ""
    errors = "".join(f"- {found.conversion}: {found.error}\n" for found in outcomes if found.error)
    machine = facts["machine"]
    text = (
        f"# Forms of {facts['model_id']}\n\n{markdown_table(HEADINGS, map(table_row, outcomes))}\n\n"
        f"PSNR against the original's pictures of {compressor.num_pictures} requests{seen}. "
        f"Milliseconds a picture and how many times as fast as the original at {BATCHES[0]} and {BATCHES[1]} "
        f"pictures at a time, on {machine['cores']} cores of {machine['processor']}.\n"
        + (f"\nNot made:\n\n{errors}" if errors else "")
    )
    write_text(out / TABLE_MARKDOWN, text)
