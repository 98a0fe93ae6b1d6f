"""The catalogue: photos and what is known about them, ready to train on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.catalogue.array_source import array_source, common_side, photos_of
from tfproductgan.catalogue.cutouts import MaskedPhotos, masks_of, on_other_grounds
from tfproductgan.catalogue.folder_source import DEFAULT_ATTRIBUTE, folder_source, pair_source, side_by_side_source
from tfproductgan.catalogue.gaps import is_gap, without_gaps
from tfproductgan.catalogue.hugging_face_source import hugging_face_source
from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.label_notes import label_notes, training_counts
from tfproductgan.catalogue.photos import Placement
from tfproductgan.catalogue.preparation import Preparation, check_whole
from tfproductgan.catalogue.preparing import PreparedPhotos, prepare
from tfproductgan.catalogue.records import RecordPhotos, dataset_folder
from tfproductgan.catalogue.several import Multi, looks_several, taken_apart, too_many
from tfproductgan.catalogue.sources import Item, Source, too_sparse
from tfproductgan.catalogue.splitting import DEFAULT_SPLITS, SPLITS, drawn_splits, given_splits, split_name
from tfproductgan.catalogue.styles import ATTRIBUTE, StyledPhotos, read_styles, style_files, style_schema
from tfproductgan.catalogue.table_source import table_source
from tfproductgan.catalogue.tfds_source import natural_size, tfds_builder, tfds_source
from tfproductgan.conditions import MAX_SEED, NOT_GIVEN, ConditionSchema, fold
from tfproductgan.errors import CatalogueError, ConditionError, nearest, require
from tfproductgan.text_vectors import TextVectors, is_vector
from tfproductgan.vocabulary import Vocabulary
from tfproductgan.writing import expanded

if TYPE_CHECKING:
    import tensorflow as tf

    from tfproductgan.catalogue.chunks import PhotoChunks

_log = logging.getLogger(__name__)

SHARED_ASPECT = 0.9
"""Share of the photos that must agree on an aspect for the schema to name it."""

_ASPECT_TOLERANCE = 0.02
_COLOURS = {1: "grey", 3: "colour"}
_MOST_STEPS = 2**31 - 1  # and photos a batch


class Catalogue:
    """Photos with their conditions, each decoded and resized once.

    Made by `from_folder`, `from_pairs`, `from_table`, `from_tfds`, `from_hugging_face`, `from_arrays` or `studio`,
    which take the options of `Preparation` as further keyword arguments, or by `from_prepared`. Photos that cannot be
    read are left out, listed in `skipped`, and announced through `logging`.

    Attributes:
        schema: The `ConditionSchema`; its values are those of the training photos, so a value that occurs in
            validation only is "not given" there.
        image_size: Height and width in pixels.
        channels: 3 for colour, 1 for grey.
        splits: Split name (`"train"`, `"validation"`, `"test"`; those that are not empty) to int64 photo indices.
        source: Where the photos come from.
        preparation: How they were prepared.
        skipped: What was left out: (name, reason).
        notes: What was done to make sense of the data, a sentence each.
        placements: Of each photo, where it lies in its square; `placement.crop(picture)` is the way back.
        fingerprint: Changes when anything does that the stream delivers.
        label_fingerprint: The same but for titles: what looks at photos and labels alone goes by it.

    Example:
    ```python
    products = Catalogue.from_table("products.csv", images="photos/", attributes=["category", "colour"])
    products.stream("train", batch_size=32)   # {"images": uint8 [32, 64, 64, 3], "conditions": int32 [32, 2]}
    ```
    """

    def __init__(
        self,
        schema: ConditionSchema,
        preparation: Preparation,
        photos: PreparedPhotos | RecordPhotos | PhotoChunks | StyledPhotos | MaskedPhotos,
        splits: Mapping[str, np.ndarray],
        conditions: np.ndarray,
        source: Callable[[], Source],
        captions: Callable[[], Sequence[str]],
        skipped: Sequence[tuple[str, str]] = (),
        notes: Sequence[str] = (),
    ):
        self.schema, self.preparation, self.splits, self.skipped = schema, preparation, dict(splits), list(skipped)
        self.notes = list(notes)
        self._photos: Any = photos  # pixels are asked for of those that have them
        self._conditions = conditions
        self._open_source, self._read_captions = source, captions  # what a prepared data set has on disk

    @classmethod
    def from_source(
        cls, source: Source, preparation: Preparation, text: str | None = None, photos: PhotoChunks | None = None
    ) -> Catalogue:
        """What all constructors but `from_prepared` come down to.

        Args:
            source: The photos.
            preparation: How they become a catalogue.
            text: What their titles are called, if there are any.
            photos: The photos, if they have been prepared already.

        Raises:
            CatalogueError: If photos or labels cannot be used, or come otherwise than the schema's model learnt them.
        """
        if preparation.schema is None:
            refuse_sparse(source, preparation.min_count)
            preparation = preparation.for_labels(source)
        else:
            source = _with_what_goes_in(source, preparation.schema)
        prepared = photos or prepare(source, preparation)
        skipped = [*source.skipped, *prepared.failures]
        for note in source.notes:
            _log.info("%s", note)
        _judge(skipped, len(source.items) + len(source.skipped), preparation.max_unreadable)
        items = [source.items[row] for row in prepared.rows]
        splits = _splits(items, prepared, preparation.splits)
        train, sources = splits["train"], prepared.sources
        captions = [item.text for item in items]
        titles = _titles(captions)
        learnt = text is not None and preparation.titles and preparation.schema is None
        schema = preparation.schema or ConditionSchema.from_rows(
            [items[i].labels for i in train],
            source.attributes,
            preparation.image_size,
            prepared.channels,
            preparation.min_count,
            text,
            _shared_aspect(prepared.aspects[train]) if preparation.fit == "letterbox" else None,
            source.values,
            None if sources is None else sources.shape[-1],
            _vocabulary([titles[i] for i in train], text) if learnt else None,
        )
        if schema.reads_words and any(map(is_vector, titles)):
            raise CatalogueError(
                "The model has learnt from titles, and these photos come with vectors: give text (--text) in place of "
                "text_vectors (--text-vectors)."
            )
        conditions = schema.encode_rows((item.labels for item in items), titles)
        if schema.vocabulary is not None and not any(titles):
            _log.warning("The model has learnt from titles, and these photos come without: no text is given")
        if preparation.schema is not None:
            _report_unknown(schema, items, conditions)
        for note in too_many(schema, items):
            _log.warning("%s", note.rstrip("."))
        known = (lambda: source, lambda: captions, skipped, source.notes)
        return cls(schema, preparation, prepared, splits, conditions, *known)

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        attribute: str = DEFAULT_ATTRIBUTE,
        attributes: str | Iterable[str] | None = None,
        **options: Any,
    ) -> Catalogue:
        """Photos in folders named by their class, and by kinds within it.

        Args:
            folder: `<class>/<photo>` or `<class>/<kind>/<photo>` and so on, or `train/`, `validation/`, `test/` above
                it; a folder, a zip, or a tar of it. Or WebDataset shards: a tar, a folder of tars, or a pattern such as
                `shards-{0000..0003}.tar`; then `attributes` names fields of their `.json` files.
            attribute: What to call the attribute that the upper folders' names are values of; those of folders in them
                are called `"class 2"`, `"class 3"` then.
            attributes: Instead, a name for each level of folders, from the top; what lies below is not taken.
            **options: See `Preparation`.

        Raises:
            CatalogueError: If there are no photos, or too many that cannot be read.
        """
        preparation = _preparation(options)
        source = folder_source(folder, attribute, _listed(attributes), preparation.schema)
        return cls.from_source(source, preparation)

    @classmethod
    def from_pairs(
        cls,
        sources: str | Path,
        images: str | Path,
        attribute: str = DEFAULT_ATTRIBUTE,
        attributes: str | Iterable[str] | None = None,
        **options: Any,
    ) -> Catalogue:
        """Photos with the pictures that go in to make them, such as drawings: two folders, paired by name.

        Args:
            sources: Folder or zip of the pictures that go in. Below it each has the path of its photo, whatever its
                extension; its size may be another, its proportions not.
            images: Folder or zip of the photos, as for `from_folder`.
            attribute: As of `from_folder`, of the photos.
            attributes: Likewise.
            **options: See `Preparation`. What has no partner, or several, is left out and listed in `skipped`.

        Raises:
            CatalogueError: If there are no pairs, or too much that cannot be read or has no partner.
        """
        preparation = _preparation(options)
        source = pair_source(sources, images, attribute, _listed(attributes), preparation.schema)
        return cls.from_source(source, preparation)

    @classmethod
    def from_side_by_side(
        cls,
        folder: str | Path,
        source: str = "left",
        attribute: str = DEFAULT_ATTRIBUTE,
        attributes: str | Iterable[str] | None = None,
        **options: Any,
    ) -> Catalogue:
        """Pairs that are one picture each, one half of which goes in, as pix2pix's authors publish them.

        Args:
            folder: Folder or zip of the pictures, as for `from_folder`.
            source: `"left"` or `"right"`: the half that goes in; the other is the photo.
            attribute: As of `from_folder`.
            attributes: Likewise.
            **options: See `Preparation`. What is an odd number of pixels wide is left out and listed in `skipped`.

        Raises:
            CatalogueError: If there are no pictures, or too much that cannot be read.
        """
        preparation = _preparation(options)
        found = side_by_side_source(source, folder, attribute, _listed(attributes), preparation.schema)
        return cls.from_source(found, preparation)

    @classmethod
    def from_unpaired(
        cls, sources: Catalogue | str | Path, images: Catalogue | str | Path, **options: Any
    ) -> Catalogue:
        """Two sets of pictures that come without pairs, such as boots and sandals: one goes in, one is learnt.

        Args:
            sources: The set that goes in, `"A"`: a catalogue, whatever its photos come from, or a folder or zip.
            images: The photos, `"B"`; their labels are what can be asked for.
            **options: See `Preparation`, for what is given as a folder or zip.

        Returns:
            A catalogue whose stream gives photos and, in an order of their own, sources. `fit` of a `CycleGAN` and
            `train` take it.

        Raises:
            CatalogueError: If the sets are the same, or do not have pictures of one size.

        Example:
        ```python
        sets = tpg.Catalogue.from_unpaired("boots/", "sandals/", image_size=64)
        ```
        """
        both = [
            given if isinstance(given, Catalogue) else cls.from_folder(given, **options) for given in (sources, images)
        ]
        return UnpairedCatalogue(*both)

    @classmethod
    def from_table(
        cls,
        table: str | Path,
        images: str | Path | None = None,
        image: str | None = None,
        attributes: str | Iterable[str] | None = None,
        text: str | None = None,
        split_column: str | None = None,
        columns: Iterable[str] | None = None,
        multi: Multi = None,
        text_vectors: str | None = None,
        **options: Any,
    ) -> Catalogue:
        """Photos listed in a table.

        Args:
            table: CSV, Parquet, JSON lines or StyleGAN's `dataset.json`; or a folder or zip with one of them inside,
                which has the columns named here. Of parts such as `train/metadata.csv` and `test/metadata.csv` all
                are taken.
            images: Folder or zip of the photos; by default the folder or zip the table is in.
            image: Column that names the photos' files; by default `image`, `file`, `filename`, `path` or alike, or the
                one whose values are the names of photos, as numbers of products are.
            attributes: Columns to take as attributes, in this order; by default those of `schema`, or none.
            text: Column of titles, which models learn to draw from unless `titles` is `False`.
            split_column: Column that names the split of each photo; by default `split`, if there is one.
            columns: What the columns are called, of a list without a header, such as `["file", "label"]`.
            multi: Attributes whose cells hold several values, such as "Pine, white"; or a mapping of them to what is
                between the values, which is found otherwise.
            text_vectors: In the place of `text`, a column of vectors, lists of numbers, that another program has made
                of the titles; empty where there is none. Of Parquet and JSON lines.
            **options: See `Preparation`.

        Raises:
            CatalogueError: If the table, a column or the photos are missing or cannot be read, or there are titles as
                well as vectors.
            MissingExtraError: If the table is Parquet and the extra `table` is not installed.
        """
        preparation = _preparation(options)
        if attributes is None:
            attributes = preparation.schema.names if preparation.schema else ()
        taken, named = _listed(attributes) or [], None if columns is None else list(columns)
        refuse_both(text, text_vectors)
        find_split = preparation.splits is None
        source = table_source(table, images, image, taken, text, split_column, find_split, named, text_vectors)
        source = without_gaps(taken_apart(source, multi), preparation.schema)
        return cls.from_source(source, preparation, text_vectors if text is None else text)

    @classmethod
    def from_arrays(
        cls,
        images: Any,
        labels: Any = None,
        splits: Any = None,
        sources: Any = None,
        multi: Multi = None,
        text: Any = None,
        **options: Any,
    ) -> Catalogue:
        """Photos that are in memory already.

        Args:
            images: uint8 `[N, H, W]` or `[N, H, W, C]` with 1, 3 or 4 channels; or a list of such arrays, Pillow
                images or bytes of files, of any sizes.
            labels: Attribute name to the value of each photo: lists, arrays or Series, of texts, numbers, dates or
                booleans, `[N, 1]` and one-hot `[N, K]` too (the values are then the numbers 0 to K - 1). `None`, NaN,
                NaT, pandas' NA, empty and texts such as "nan" and "#N/A" are "not given", and 2012.0 reads 2012, as in
                tables. A list holds several values of a photo. A DataFrame or a list of mappings likewise; labels
                without a name are called `class`.
            splits: The split of each photo, or a mapping of the shares to draw. Empty means train.
            sources: Of pairs, the picture that goes in with each photo: as `images`, in their proportions.
            multi: As of `from_table`.
            text: The title of each photo, which models learn to draw from; empty where there is none.
            **options: See `Preparation`. `image_size` is by default the longer side of all images, if they agree.

        Raises:
            CatalogueError: If types or lengths do not fit.

        Example:
        ```python
        products = Catalogue.from_arrays(photos, frame[["category", "colour"]], frame["split"])
        ```
        """
        photos = photos_of("images", images)
        named, shares = (None, splits) if isinstance(splits, Mapping) else (splits, None)
        found = array_source(photos, labels, named, sources, text)
        source = without_gaps(taken_apart(found, multi), options.get("schema"))
        if options.get("schema") is None and options.get("image_size") is None:
            options["image_size"] = common_side(photos)
        return cls.from_source(source, _preparation({**options, "splits": shares}), None if text is None else "text")

    @classmethod
    def from_hugging_face(
        cls,
        dataset: Any,
        image: str | None = None,
        attributes: str | Iterable[str] | None = None,
        text: str | None = None,
        **options: Any,
    ) -> Catalogue:
        """Photos of a data set of the library `datasets`, which is not needed here: what it has loaded is.

        Args:
            dataset: A `Dataset`, or a `DatasetDict`, whose splits are kept.
            image: Column of the photos; by default the only one of images.
            attributes: Columns to take as attributes; by default those of `schema`, else all class labels. Class labels
                keep their order.
            text: Column of titles, which models learn to draw from.
            **options: See `Preparation`. Prepared photos are not kept on disk.

        Raises:
            CatalogueError: If there is no such column, or it cannot be what it is asked to be.

        Example:
        ```python
        products = Catalogue.from_hugging_face(datasets.load_dataset("fashion_mnist"), image_size=28)
        ```
        """
        preparation = _preparation(options)
        if attributes is None and preparation.schema is not None:
            attributes = preparation.schema.names
        source = without_gaps(hugging_face_source(dataset, image, _listed(attributes), text), preparation.schema)
        return cls.from_source(_said(source), preparation, text)

    @classmethod
    def from_tfds(
        cls,
        name: Any,
        image: str | None = None,
        attributes: str | Iterable[str] | None = None,
        text: str | None = None,
        data_dir: str | Path | None = None,
        **options: Any,
    ) -> Catalogue:
        """Photos of a TensorFlow Datasets data set.

        Args:
            name: Such as `"fashion_mnist"`, downloaded and prepared if it is not on disk; or a builder.
            image: Feature of the photos; by default the supervised input, or the only image.
            attributes: Features to take as attributes, `"attributes/Male"` for a nested one; by default those of
                `schema`, else the supervised label, else all class labels. Class labels keep their order.
            text: Feature of titles, which models learn to draw from.
            data_dir: Where data sets lie; by default `$TFDS_DATA_DIR` or `~/tensorflow_datasets`.
            **options: See `Preparation`. `image_size` is by default that of the data set, if it has one. A data
                set with nothing but a train split is divided like a source without splits.

        Raises:
            CatalogueError: If there is no such data set or feature.
            MissingExtraError: If the extra `tfds` is not installed.
        """
        builder = tfds_builder(name, data_dir)
        if options.get("schema") is not None:
            attributes = options["schema"].names if attributes is None else attributes
        elif options.get("image_size") is None:
            options["image_size"] = natural_size(builder, image)
        source = without_gaps(tfds_source(builder, image, _listed(attributes), text), options.get("schema"))
        return cls.from_source(_said(source), _preparation(options), text)

    @classmethod
    def from_prepared(
        cls,
        folder: str | Path,
        attributes: str | Iterable[str] | None = None,
        schema: ConditionSchema | None = None,
    ) -> Catalogue:
        """Photos that `tfproductgan prepare` wrote: read from disk batch by batch, whatever their number.

        Args:
            folder: The data set, or the folder given to `prepare`.
            attributes: Which attributes to take, in this order; by default those of `schema`, else all.
            schema: An existing schema to bind to (that of a trained model): values it does not know become "not
                given".

        Returns:
            A catalogue whose `images` reads a whole split into memory, and whose `stream` holds a few batches.

        Raises:
            CatalogueError: If there is no such data set, or it does not fit what is asked for.
        """
        found = dataset_folder(expanded(folder))
        if found is None:
            raise CatalogueError(f"{str(folder)!r} holds no data set that tfproductgan prepare has finished.")
        photos = RecordPhotos(found)
        taken = schema or photos.schema
        for name in ("image_size", "channels", "source_channels"):
            mine, theirs = getattr(photos.schema, name), getattr(taken, name)
            if mine != theirs:
                raise CatalogueError(f"The data set was prepared with {name}={mine}, and {theirs} is asked for.")
        names = _listed(attributes)
        if names is not None:
            try:
                taken = dataclasses.replace(taken, attributes=[taken.attribute(n) for n in names], combinations=())
            except ConditionError as error:
                raise CatalogueError(f"The data set lacks what is asked for. {error}") from error
        splits = {split: indices for split, indices in photos.splits.items() if len(indices)}
        # photos are many, combinations few
        combinations, which = np.unique(photos.ids, axis=0, return_inverse=True)
        ids = taken.encode_rows(map(photos.schema.decode, combinations))[which.reshape(-1)]
        if taken.vocabulary is not None:
            ids[:, taken.text_columns] = taken.vocabulary.encode_titles(_titles(photos.texts()))
        if schema is None:
            taken = taken.with_combinations(ids[splits["train"]])
        preparation = Preparation(taken.image_size, photos.fit, taken.channels, cache=False)
        return cls(taken, preparation, photos, splits, ids, functools.partial(_examples, photos), photos.texts)

    @classmethod
    def studio(
        cls,
        count: int = 20_000,
        image_size: int | None = None,
        seed: int = 0,
        attributes: str | Iterable[str] = ("category", "colour", "material"),
        source: str | None = None,
        titles: bool = False,
        **options: Any,
    ) -> Catalogue:
        """The built-in catalogue: products that are drawn, without files or downloads.

        Args:
            count: Number of photos.
            image_size: Height and width, 28 to 256 pixels; by default that of `schema`, else 64.
            seed: Another seed, other products.
            attributes: Of `"category"`, `"colour"`, `"material"`, `"pattern"` and `"view"`.
            source: For pairs, what goes in: `"lines"`, a line drawing of each product, or its `"mask"`.
            titles: Whether models learn from the description of each product as well.
            **options: See `Preparation`.

        Raises:
            CatalogueError: If an attribute or a source is unknown or a number out of range.
        """
        from tfproductgan.catalogue.studio_source import studio_source

        preparation = _preparation(
            {"channels": None if options.get("schema") else 3, **options, "image_size": image_size, "titles": titles}
        )
        shares = DEFAULT_SPLITS if preparation.splits is None else preparation.splits
        taken = _listed(attributes) or []
        drawn = studio_source(count, preparation.image_size, seed, taken, shares, source)
        return cls.from_source(drawn, dataclasses.replace(preparation, splits=None), "description")

    def with_styles(self, styles: str | Path, schema: ConditionSchema | None = None) -> Catalogue:
        """These photos as what goes in, each with every one of some style pictures: what the recipe `style` takes.

        Args:
            styles: A folder of pictures, each a style of its name, and of folders, each a style of several pictures;
                or one picture. Their middle squares are taken.
            schema: Of an existing model, whose styles are kept.

        Returns:
            A catalogue of pairs whose only attribute is `style`. Labels of the photos are left out.

        Raises:
            CatalogueError: If there are no style pictures, one cannot be read, or these photos are pairs already.
        """
        if self.schema.source_channels is not None:
            raise CatalogueError("with_styles takes photos alone, and these are pairs (--styles without --sources).")
        pictures, names = read_styles(style_files(styles), self.image_size, self.channels)
        photos = StyledPhotos(self._photos, pictures)
        made = schema or style_schema(self.schema, list(dict.fromkeys(names)))
        ids = made.encode_rows([{ATTRIBUTE: name} for name in names])
        conditions = np.tile(ids, (len(self._photos.pixels), 1))
        splits = {split: photos.indices(indices) for split, indices in self.splits.items()}
        if schema is None:
            made = made.with_combinations(ids)
        source = Source([], made.names, lambda: iter(()))

        def captions():
            return np.repeat(np.array(self._read_captions(), object), len(pictures)).tolist()

        known = (lambda: source, captions, self.skipped, self.notes)
        return Catalogue(made, self.preparation, photos, splits, conditions, *known)

    def with_masks(self, seed: int = 0) -> Catalogue:
        """These photos as what goes in, each with the mask of its product: what the recipe `cutout` learns from.

        Each comes twice, as it is and before a background that is made up. Pairs whose sources are masks, as the
        studio's can be, are turned round; else masks come from backgrounds of one colour, and photos without one are
        left out.

        Args:
            seed: Decides the backgrounds.

        Raises:
            CatalogueError: If no photo to train on has a background of one colour.
        """
        rows = np.arange(len(self._photos.pixels))
        photos = np.asarray(self._photos.pixels[rows])
        if self.schema.source_channels is None:
            masks, there = masks_of(photos)
        else:
            masks, there = np.asarray(self._photos.sources[rows][..., :1]), np.ones(len(rows), bool)
        splits = {split: indices[there[indices]] for split, indices in self.splits.items()}
        if not len(splits["train"]):
            raise CatalogueError("No photo has a background of one colour, which masks are told from: give others.")
        sources = np.concatenate([photos, on_other_grounds(photos, masks, seed)])
        both = MaskedPhotos(np.tile(masks, (2, 1, 1, 1)), sources, np.tile(self._photos.boxes, (2, 1)))
        splits = {split: np.concatenate([i, i + len(rows)]) for split, i in splits.items() if len(i)}
        schema = ConditionSchema([], self.image_size, 1, aspect=self.schema.aspect, source_channels=self.channels)
        skipped = [(f"photo {row}", "its background has not one colour") for row in rows[~there]]
        known = (lambda: Source([], [], lambda: iter(())), lambda: [""] * (2 * len(rows)), [*self.skipped, *skipped])
        conditions = np.zeros((2 * len(rows), 0), np.int32)
        return Catalogue(schema, self.preparation, both, splits, conditions, *known, self.notes)

    @property
    def image_size(self) -> int:
        return self.schema.image_size

    @property
    def channels(self) -> int:
        return self.schema.channels

    @functools.cached_property
    def source(self) -> Source:
        return self._open_source()

    @functools.cached_property
    def placements(self) -> list[Placement]:
        return [Placement(*map(int, box)) for box in self._photos.boxes]

    @functools.cached_property
    def fingerprint(self) -> str:
        return self._digest(self._conditions)

    @functools.cached_property
    def label_fingerprint(self) -> str:
        if self.schema.vocabulary is None:
            return self.fingerprint
        return self._digest(self._conditions[:, : self.schema.text_columns.start])

    def _digest(self, conditions: np.ndarray) -> str:
        digest = hashlib.sha256(self._photos.pixel_hash.encode())
        digest.update(np.ascontiguousarray(conditions).data)
        for split, indices in self.splits.items():
            digest.update(split.encode())
            digest.update(np.ascontiguousarray(indices).data)
        attributes = [(a.name, a.values, *([a.several] if a.several > 1 else [])) for a in self.schema.attributes]
        digest.update(repr(attributes).encode())
        return digest.hexdigest()[:32]

    @property
    def paired(self) -> bool:
        """Whether each photo has the very picture that goes in to make it."""
        return self.schema.source_channels is not None

    def size(self, split: str = "train") -> int:
        """Number of photos in a split; 0 if the catalogue has none there."""
        return len(self.splits.get(_proper(split), ()))

    def images(self, split: str = "train") -> np.ndarray:
        """The photos of a split: uint8 `[N, S, S, C]`.

        Splits that the source names are a view, which may be a memory map; drawn ones are a copy.
        """
        indices = self._indices(split)
        first, last = int(indices[0]), int(indices[-1])
        if last - first + 1 == len(indices):
            return self._photos.pixels[first : last + 1]
        return self._photos.pixels[indices]

    def image_batches(self, split: str = "train", batch_size: int = 256) -> Iterator[np.ndarray]:
        """What `images` returns, a few at a time: uint8 `[batch_size, S, S, C]`, the last one shorter."""
        return self._batches(self._photos.pixels, split, batch_size)

    def source_batches(self, split: str = "train", batch_size: int = 256) -> Iterator[np.ndarray]:
        """Of pairs, the pictures that go in, in the order of `image_batches`: uint8 `[batch_size, S, S, Cs]`.

        Raises:
            CatalogueError: If the catalogue holds no pairs.
        """
        if self._photos.sources is None:
            raise CatalogueError("The catalogue holds no pairs: make it with from_pairs or sources=... (--sources).")
        return self._batches(self._photos.sources, split, batch_size)

    def _batches(self, pictures: Any, split: str, batch_size: int) -> Iterator[np.ndarray]:
        indices = self._indices(split)
        return (pictures[indices[start : start + batch_size]] for start in range(0, len(indices), batch_size))

    def conditions(self, split: str = "train") -> np.ndarray:
        """The condition ids of a split, as `schema.encode` gives them: int32 `[N, A]`, 0 is "not given"."""
        return self._conditions[self._indices(split)]

    def captions(self, split: str = "train") -> list[str]:
        """The titles of a split's photos; empty where there is none."""
        captions = self._read_captions()
        return [captions[i] for i in self._indices(split)]

    def stream(
        self,
        split: str = "train",
        batch_size: int = 32,
        seed: int = 0,
        start_step: int = 0,
        balance: float = 0.0,
        repeat: bool = True,
        part: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """Batches of a split, each a function of the seed and its step alone.

        Args:
            split: Which photos.
            batch_size: Photos a batch; what does not fill a batch at the end of one pass is left out.
            seed: Decides the order.
            start_step: Number of the first batch: the stream is the same as one from 0 without the batches before,
                and starts at once.
            balance: Lifts rare labels, 0 to 1: 0 draws photos as they are, 0.5 labels by the square root of their
                count, 1 all labels alike, averaged over the attributes. Above 0 photos are drawn with replacement.
            repeat: Shuffled, each epoch anew and without end; otherwise one pass in the photos' own order.
            part: `(i, n)` delivers only the i-th of n equal parts of each batch, counted from 0: for workers that
                share a batch and read only their own photos.

        Returns:
            A dataset of `{"images": uint8 [B / n, S, S, C], "conditions": int32 [B / n, A]}`; of pairs it holds
            `"source"`, uint8 `[B / n, S, S, Cs]`, too: the `inputs()` of the schema and the images.

        Raises:
            CatalogueError: If the split is empty or smaller than a batch, or an argument is out of range.
        """
        from tfproductgan.catalogue.streaming import balancing_weights, photo_stream

        indices = self._indices(split)
        batch_size = check_whole("batch_size", batch_size, 1, _MOST_STEPS)
        seed = check_whole("seed", seed, 0, MAX_SEED)
        start_step = check_whole("start_step", start_step, 0, _MOST_STEPS)
        if batch_size > len(indices):
            raise CatalogueError(
                f"batch_size={batch_size} is more than the {len(indices)} photos of {split!r}: add photos or lower it "
                "(--batch-size)."
            )
        if not 0 <= part[0] < part[1] or batch_size % part[1]:
            raise CatalogueError(
                f"part (i, n) needs 0 <= i < n, and n a divisor of batch_size={batch_size}. Received: {part!r}"
            )
        if not 0 <= balance <= 1:
            raise CatalogueError(f"balance must be 0 to 1. Received: {balance!r}")
        weights = None
        if balance:
            if not repeat:
                raise CatalogueError("balance draws photos with replacement; one pass (repeat=False) cannot have it.")
            if not self.schema.attributes:
                raise CatalogueError("balance needs attributes, and this catalogue has none.")
            weights = balancing_weights(self._conditions[indices], balance, self.schema.slices)
        photos = (self._photos.pixels, self._conditions, indices)
        return photo_stream(*photos, batch_size, seed, start_step, weights, repeat, part, self._photos.sources)

    def label_notes(self) -> list[str]:
        """Lines about attributes that were forgotten or say nothing, and about values too rare to be kept."""
        if isinstance(self._photos, StyledPhotos | MaskedPhotos):
            return []  # they have no use for labels
        settled = isinstance(self._photos, RecordPhotos)  # when they were prepared
        source = Source([], self.schema.names, lambda: iter(())) if settled else self.source
        return label_notes(source, self.preparation.min_count, self.schema)

    def summary(self) -> str:
        """A few lines about what is in it."""
        splits = ", ".join(f"{len(indices):,} {split}" for split, indices in self.splits.items())
        photos = getattr(self._photos, "photos", self._photos)  # those that styles are for
        place = "in memory" if type(photos.pixels) is np.ndarray else "on disk"
        lines = [
            f"photos      {len(self._photos.pixels):,} ({splits})",
            f"pictures    {self.image_size} x {self.image_size} {_COLOURS[self.channels]}, {place}",
            f"aspect      {self.schema.aspect or 'differs'}",
        ]
        if self.schema.source_channels is not None:
            lines.insert(2, f"go in       pictures of that size, {_COLOURS[self.schema.source_channels]}")
        train = self._conditions[self._indices("train")]
        for attribute, columns in zip(self.schema.attributes, self.schema.slices, strict=True):
            ids = train[:, columns]
            counts, missing = Counter(ids[ids != NOT_GIVEN].tolist()), int((~ids.any(axis=1)).sum())
            common = ", ".join(f"{attribute.values[i - 1]} {n:,}" for i, n in counts.most_common(4))
            several = f", up to {attribute.several} a photo" if attribute.several > 1 else ""
            lack = f"; not given {missing:,}" if missing else ""
            lines.append(f"{attribute.name:<11} {len(attribute.values)} values{several}: {common}{lack}")
        vocabulary = self.schema.vocabulary
        if vocabulary is not None:
            read = f"{len(vocabulary.words):,} words; up to {vocabulary.length} of them, or parts, are read"
            if not self.schema.reads_words:
                given = sum(map(bool, train[:, self.schema.text_columns].any(axis=1)))
                read = f"vectors of {vocabulary.length} numbers, of {given:,} photos of {len(train):,}"
            lines.append(f"text        {self.schema.text}: {read}")
        elif self.schema.text:
            lines.append(f"text        {self.schema.text}")
        lines.append(f"left out    {len(self.skipped):,}")
        lines += (f"note        {note}" for note in self.notes)
        return "\n".join(lines)

    def __repr__(self) -> str:
        splits = ", ".join(f"{split} {len(indices):,}" for split, indices in self.splits.items())
        attributes = ", ".join(map(str, self.schema.attributes)) or "no attributes"
        attributes += "" if self.schema.vocabulary is None else f", {self.schema.text_name.replace('_', ' ')}"
        pairs = "" if self.schema.source_channels is None else f" from pictures of {self.schema.source_channels}"
        return f"<Catalogue {splits}; {attributes}; {self.image_size} px, {self.channels} channels{pairs}>"

    def _indices(self, split: str) -> np.ndarray:
        if not self.size(split):
            there = ", ".join(map(repr, self.splits))
            raise CatalogueError(f"The catalogue has no photos for {split!r}; it has {there}.")
        return self.splits[_proper(split)]


class UnpairedCatalogue(Catalogue):
    """The photos of one catalogue, and those of another as the pictures that go in: `Catalogue.from_unpaired`.

    Splits are those that both have.

    Args:
        sources: The catalogue whose photos go in; its labels are not used.
        images: The catalogue of the photos.

    Raises:
        CatalogueError: If the sets are the same, or do not have pictures of one size.
    """

    def __init__(self, sources: Catalogue, images: Catalogue):
        if sources.image_size != images.image_size:
            raise CatalogueError(
                f"Both sets need pictures of one size. Received: {sources.image_size} and {images.image_size} pixels"
            )
        same = _num_shared(sources, images)
        if same == min(len(sources._photos.pixels), len(images._photos.pixels)):
            raise CatalogueError(f"The two sets are the same: all {same:,} photos of one are in the other as well.")
        notes = list(images.notes)
        if same:
            notes.append(f"{count_of(same, 'photo')} of both sets are the same: sets are best without any in common.")
        super().__init__(
            dataclasses.replace(images.schema, source_channels=sources.channels),
            images.preparation,
            images._photos,
            {split: rows for split, rows in images.splits.items() if sources.size(split)},
            images._conditions,
            images._open_source,
            images._read_captions,
            [*images.skipped, *sources.skipped],
            notes,
        )
        self.sources = sources
        digest = hashlib.sha256(f"{images.fingerprint} {sources.fingerprint}".encode())
        self.fingerprint = digest.hexdigest()[:32]

    @property
    def paired(self) -> bool:
        """No photo has a picture of its own that goes in."""
        return False

    def source_batches(self, split: str = "train", batch_size: int = 256) -> Iterator[np.ndarray]:
        """Pictures that go in, one a photo of the split, in their own order and from the start again if they are fewer:
        uint8 `[batch_size, S, S, Cs]`.
        """
        indices = np.resize(self.sources._indices(split), self.size(split))
        pixels = self.sources._photos.pixels
        return (pixels[indices[start : start + batch_size]] for start in range(0, len(indices), batch_size))

    def stream(
        self,
        split: str = "train",
        batch_size: int = 32,
        seed: int = 0,
        start_step: int = 0,
        balance: float = 0.0,
        repeat: bool = True,
        part: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """As `Catalogue.stream`; sources come in an order of their own, in one pass as of `source_batches`."""
        from tfproductgan.catalogue.streaming import photo_stream, with_sources

        photos = super().stream(split, batch_size, seed, start_step, balance, repeat, part)
        indices = self.sources._indices(split)
        taken = (self.sources._photos.pixels, self.sources._conditions)
        # another seed: sets of equal size would be paired for good
        others = photo_stream(
            *taken,
            indices if repeat else np.resize(indices, self.size(split)),
            batch_size,
            (seed + 1) % MAX_SEED,
            start_step,
            repeat=repeat,
            part=part,
        )
        return with_sources(photos, others)

    def summary(self) -> str:
        """A few lines about what is in it."""
        splits = ", ".join(f"{self.sources.size(split):,} {split}" for split in self.splits)
        return "\n".join([super().summary(), f"unpaired    {len(self.sources._photos.pixels):,} go in ({splits})"])

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {self.sources.size(split):,}" for split in self.splits)
        return f"{super().__repr__()[:-1]}, unpaired: {counts}>"


def _proper(split: str) -> str:
    proper = split_name(split)
    if proper is None:
        raise CatalogueError(f"Unknown split {split!r}: {nearest(split, SPLITS)}")
    return proper


def _num_shared(first: Catalogue, second: Catalogue) -> int:
    """How many photos are in both sets; of prepared sets only whether they are the same."""
    photos = first._photos, second._photos
    if all(hasattr(each, "hashes") for each in photos):
        return len(np.intersect1d(photos[0].hashes, photos[1].hashes))
    return len(photos[0].pixels) if photos[0].pixel_hash == photos[1].pixel_hash else 0


def _examples(photos: RecordPhotos) -> Source:
    """The photos of a prepared data set one by one, for those who look at each."""
    tfds = require("tensorflow_datasets", "tfds")
    return tfds_source(tfds.builder_from_directory(str(photos.folder)), "image", photos.features, "text")


def _preparation(options: Mapping[str, Any]) -> Preparation:
    valid = [field.name for field in dataclasses.fields(Preparation)]
    for name in options:
        if name not in valid:
            raise CatalogueError(f"Unknown option {name!r}: {nearest(name, valid)}")
    return Preparation(**options)


def _listed(names: str | Iterable[str] | None) -> list[str] | None:
    return [names] if isinstance(names, str) else None if names is None else list(names)


def _with_what_goes_in(source: Source, schema: ConditionSchema) -> Source:
    """Photos for an existing model: pairs exactly if pictures go into it."""
    if schema.source_channels is None:
        return dataclasses.replace(source, load_sources=None)
    if source.load_sources is None:
        raise CatalogueError(
            "The schema is of a model that pictures go into, and these photos come without: pair them, as with "
            "from_pairs or sources=... (--sources)."
        )
    return source


def _titles(captions: Sequence[str]) -> list[str]:
    """Captions without those that say that there is none."""
    return ["" if is_gap(caption) else caption for caption in captions]


def refuse_both(text: str | None, text_vectors: str | None) -> None:
    """Stop at titles as well as vectors of them."""
    if None not in (text, text_vectors):
        raise CatalogueError(
            f"Models learn from titles or from vectors of them. Received: text (--text) {text!r} and text_vectors "
            f"(--text-vectors) {text_vectors!r}"
        )


def _vocabulary(titles: Sequence[str], text: str | None) -> Vocabulary | TextVectors:
    """The words of the titles of the training photos, or what their vectors have in common."""
    try:
        return TextVectors.learn(titles) if any(map(is_vector, titles)) else Vocabulary.learn(titles)
    except ConditionError as error:
        raise CatalogueError(f"{text!r} is no text to learn from: {error}") from error


def _said(source: Source) -> Source:
    """The same, and what its notes say: of data sets nobody sees what is in them."""
    for note in source.notes:
        _log.warning("%s", note)
    return source


def refuse_sparse(source: Source, min_count: int | str) -> None:
    """Stop, before the photos are read, at labels that are none."""
    kept = 1 if isinstance(min_count, str) else min_count  # what nobody asked for must not hide them
    for attribute, counts in training_counts(source).items():
        if attribute not in source.values:
            reason = too_sparse(attribute, (n for n in counts.values() if n >= kept))
            if reason:
                several = looks_several(source, attribute)
                raise CatalogueError(f"{reason}. {several}" if several else f"{reason}.")


def _judge(skipped: Sequence[tuple[str, str]], total: int, max_unreadable: float) -> None:
    """Say what is left out, and stop if it is too much."""
    if not skipped:
        return
    first = "; ".join(f"{name}: {reason}" for name, reason in skipped[:3])
    more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    said = f"{len(skipped):,} of {total:,} photos cannot be used ({first}{more})"
    if len(skipped) == total or len(skipped) > max_unreadable * total:
        raise CatalogueError(
            f"{said}, and at most {100 * max_unreadable:g} % may be so: repair or remove them, or allow more with "
            "max_unreadable (--max-unreadable)."
        )
    _log.warning("%s", said)


def _splits(
    items: Sequence[Item], photos: PreparedPhotos | PhotoChunks, shares: Mapping[str, float] | None
) -> dict[str, np.ndarray]:
    if shares is None and any(item.split for item in items):
        splits = given_splits([item.split or "train" for item in items])
    else:
        shares = DEFAULT_SPLITS if shares is None else shares
        drawn = any(share > 0 for share in shares.values())
        groups = photos.groups() if drawn else np.arange(len(items))
        splits = drawn_splits([photo_hash.decode() for photo_hash in photos.hashes], groups, shares)
    if "train" not in splits:
        raise CatalogueError(f"No photos to train on: all are in {', '.join(splits)}.")
    return splits


def _shared_aspect(aspects: np.ndarray) -> float | None:
    """Width divided by height if nearly all photos agree on it: pixels are whole, so they agree nearly."""
    middle = float(np.median(aspects))
    alike = np.abs(aspects / middle - 1) <= _ASPECT_TOLERANCE
    return round(middle, 4) if alike.mean() >= SHARED_ASPECT else None


def _report_unknown(schema: ConditionSchema, items: Sequence[Item], conditions: np.ndarray) -> None:
    for attribute, columns in zip(schema.attributes, schema.slices, strict=True):
        unknown: Counter[str] = Counter()
        photos = 0
        for item, ids in zip(items, conditions[:, columns].tolist(), strict=True):
            if NOT_GIVEN not in ids:
                continue
            cells = [cell for own, cell in item.labels.items() if fold(own) == fold(attribute.name)]
            values = [v for cell in cells for v in attribute.split(cell) if fold(v) and not attribute.knows(v)]
            unknown.update(values)
            photos += bool(values)
        if unknown:
            common = ", ".join(repr(value) for value, _ in unknown.most_common(3))
            said = f"{photos} of {len(items)} photos have a {attribute.name} that the model has not learnt ({common})"
            _log.warning("%s, which becomes not given", said)
