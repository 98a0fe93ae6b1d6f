"""Which versions of which models are served: found in folders, loaded, warmed up, replaced while serving."""

from __future__ import annotations

import dataclasses
import gc
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from google.protobuf import text_format

from tfproductgan.errors import ServingError, nearest
from tfproductgan.serving import protos
from tfproductgan.serving.server.saved_model import FILE, LoadedModel
from tfproductgan.serving.statuses import RequestError, invalid, of_tensorflow

_log = logging.getLogger(__name__)

Configs = Mapping[str, protos.ModelConfig]


@dataclasses.dataclass
class Version:
    """One version of a model, as `GetModelStatus` knows it.

    Args:
        number: Its number.
        folder: Where it is.
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error: Why it could not be loaded, if so.
        model: What is served while it is available.
        fingerprint: What its files looked like when they were read.
    """

    number: int
    folder: Path
    state: str = "START"
    error: str = ""
    model: LoadedModel | None = None
    fingerprint: frozenset = frozenset()


class Models:
    """All models and their versions.

    `refresh` is called again and again from one thread; the other methods from any. `find` gives the models that are
    to be served, by name.
    """

    def __init__(self, find: Callable[[], Configs]):
        self._find = find
        self._configs: Configs = {}
        # both mappings are replaced, never changed: other threads read them
        self._versions: Mapping[str, Mapping[int, Version]] = {}
        self._loaded_once = False

    def refresh(self) -> None:
        """Load and unload what has to be, by what the folders and the configuration say now."""
        self._configs = self._find()
        for name in [name for name in self._versions if name not in self._configs]:
            self._unload(name, list(self._versions[name]))
            self._versions = {key: value for key, value in self._versions.items() if key != name}
        for name, config in self._configs.items():
            self._refresh_model(name, config)
        self._loaded_once = True

    def knows(self, name: str) -> bool:
        """Whether there is a model of that name."""
        return name in self._versions

    def available(self) -> dict[str, list[int]]:
        """The numbers of the versions that can be asked, by model."""
        return {
            name: [number for number, version in sorted(versions.items()) if version.model is not None]
            for name, versions in self._versions.items()
        }

    def errors(self) -> list[str]:
        """Why versions could not be loaded."""
        return [
            f"{version.folder}: {version.error}"
            for versions in self._versions.values()
            for version in versions.values()
            if version.error
        ]

    def status(self, name: str, number: int | None = None, label: str | None = None) -> list[Version]:
        """All versions of a model that are known, or one; the newest first.

        Raises:
            RequestError: If there is no such model, version or label.
        """
        versions = self._known(name)
        if label is not None:
            number = self._labelled(name, label)
        if number is None:
            return [version for _, version in sorted(versions.items(), reverse=True)]
        if number not in versions:
            raise self._no_version(name, number)
        return [versions[number]]

    def find(self, name: str, number: int | None = None, label: str | None = None) -> tuple[int, LoadedModel]:
        """The version that answers a request: the newest, if it asks for none.

        Raises:
            RequestError: If there is no such model, version or label, or it is not loaded.
        """
        versions = self._known(name)
        if label is not None:
            number = self._labelled(name, label)
        if number is None:
            number = max((key for key, version in versions.items() if version.model is not None), default=None)
        version = None if number is None else versions.get(number)
        if version is not None and version.model is not None:
            return version.number, version.model
        if not self._loaded_once or (version is not None and version.state in ("START", "LOADING")):
            raise RequestError("UNAVAILABLE", f"Model {name!r} is being loaded: ask again.", retry_after=1)
        raise self._no_version(name, number)

    def _known(self, name):
        if name in self._versions:
            return self._versions[name]
        if not self._loaded_once:
            raise RequestError("UNAVAILABLE", "The models are being loaded: ask again.", retry_after=1)
        raise RequestError("NOT_FOUND", f"There is no model {name!r}: {nearest(name, self._versions)}")

    def _labelled(self, name, label):
        labels = self._configs[name].version_labels if name in self._configs else {}
        if label not in labels:
            raise invalid(f"Model {name!r} has no label {label!r}: {nearest(label, labels)}")
        return labels[label]

    def _no_version(self, name, number):
        available = ", ".join(map(str, self.available()[name])) or "none"
        wanted = "no version" if number is None else f"no version {number}"
        return RequestError("NOT_FOUND", f"Model {name!r} has {wanted} that can be asked; available: {available}")

    def _refresh_model(self, name, config):
        folders = version_folders(Path(config.base_path))
        known = {
            number: version
            for number, version in self._versions.get(name, {}).items()
            if number in folders or version.model is not None
        }
        self._versions = {**self._versions, name: known}
        policy = config.model_version_policy
        if policy.WhichOneof("policy_choice") == "specific":
            candidates = [number for number in policy.specific.versions if number in folders]
        else:
            candidates = sorted(folders, reverse=True)
        most = len(candidates)
        if policy.WhichOneof("policy_choice") in (None, "latest"):
            most = max(policy.latest.num_versions, 1)
        kept: list[int] = []
        for number in candidates:
            # one that cannot be loaded leaves its place to the next older
            if len(kept) < most and self._load(name, number, folders[number]):
                kept.append(number)
        self._unload(name, [number for number in known if number not in kept])

    def _load(self, name, number, folder):
        """Whether the version is there to be asked."""
        version = self._versions[name].get(number)
        if version is not None and version.model is not None:
            return True
        fingerprint = _fingerprint(folder)
        if version is not None and version.fingerprint == fingerprint and version.error:
            return False  # it would fail again
        version = Version(number, folder, "LOADING", fingerprint=fingerprint)
        self._versions = {**self._versions, name: {**self._versions[name], number: version}}
        try:
            model = LoadedModel(name, folder)
            model.warm_up(folder)
        except Exception as error:  # a damaged file can raise nearly anything
            said = str(error if isinstance(error, ValueError) else of_tensorflow(error))
            version.error, version.state = said.strip().partition("\n")[0] or type(error).__name__, "END"
            _log.warning("%s: version %d cannot be loaded: %s", name, number, version.error)
            return False
        version.model, version.state = model, "AVAILABLE"
        _log.info("%s: version %d is ready", name, number)
        return True

    def _unload(self, name, numbers):
        # requests that have found the model keep it until they are done
        loaded = [version for number in numbers if (version := self._versions[name][number]).model is not None]
        for version in loaded:
            version.model, version.state = None, "END"
            _log.info("%s: version %d is no longer served", name, version.number)
        if loaded:
            gc.collect()  # restored models refer to themselves


def version_folders(base: Path) -> dict[int, Path]:
    """The versions in a model's folder that have a graph, by number."""
    if not base.is_dir():
        return {}
    # isdecimal is true of more digits than int() and TensorFlow Serving mean
    numbers = {entry.name for entry in os.scandir(base) if entry.name.isascii() and entry.name.isdigit()}
    return {int(number): base / number for number in numbers if (base / number / FILE).is_file()}


def source(path: Path) -> Callable[[], Configs]:
    """A function that gives the models that are to be served by name, as of now; see `Server` for the path.

    Raises:
        ServingError: If there is nothing to be served.
    """
    if path.is_file():
        return _configuration_file(path)
    if not path.is_dir():
        raise ServingError(f"There is no folder {str(path)!r}. Give a folder of models: NAME/1/{FILE} and so on.")
    if (path / FILE).is_file():
        raise ServingError(f"{str(path)!r} is one version of a model: give the folder above it, {str(path.parent)!r}.")
    if version_folders(path):
        return lambda: {path.resolve().name: protos.ModelConfig(name=path.resolve().name, base_path=str(path))}
    if not _models_in(path):
        raise ServingError(f"{str(path)!r} holds no model: expected NAME/1/{FILE}, as 'tfproductgan export' writes it.")
    return lambda: _models_in(path)


def _models_in(path):
    if not path.is_dir():
        return {}
    return {
        entry.name: protos.ModelConfig(name=entry.name, base_path=entry.path)
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name)
        if entry.is_dir() and version_folders(Path(entry.path))
    }


def _configuration_file(path):
    """What a configuration file says, read again when it changes; while it cannot be read, the last one holds."""
    modified, configs = path.stat().st_mtime_ns, _read_configuration(path)

    def find():
        nonlocal modified, configs
        try:
            now = path.stat().st_mtime_ns
            if now != modified:
                modified = now
                configs = _read_configuration(path)
        except (OSError, ServingError) as error:
            _log.warning("%s", error)
        return configs

    return find


def _read_configuration(path):
    try:
        text = path.read_text(encoding="utf-8")
        config = text_format.Parse(text, protos.ModelServerConfig(), descriptor_pool=protos.POOL)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ServingError(f"{str(path)!r} is no configuration of TensorFlow Serving: {error}") from error
    configs = {model.name: model for model in config.model_config_list.config}
    if not all(configs) or not configs:
        raise ServingError(f"{str(path)!r} names no model.")
    return configs


def _fingerprint(folder):
    """Changes when a file of the folder does."""
    found = set()
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except OSError:  # just removed
            continue
        found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)
