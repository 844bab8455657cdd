"""Objects that several steps make from the same settings or from the same outputs of a step before."""

__all__ = [
    "Model",
    "bank_spec",
    "integer_model",
    "load_model",
    "read_image",
    "site_map",
    "token_sequences",
]

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from base_chip.bank import BankSpec, SiteGrid
from base_chip.config import BaseConfig
from flow.config import BuildConfig
from metal_configs.checkpoint import Checkpoint, load
from metal_configs.lower import lower
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.quantised import QuantModel


@dataclass(frozen=True)
class Model:
    """A checkpoint and what its folder says about text.

    Attributes:
        begin, end: Tokens that open and close a text.
    """

    checkpoint: Checkpoint
    tokenizer: Tokenizer
    begin: int
    end: int


def load_model(config: BuildConfig) -> Model:
    """The model of a build."""
    checkpoint = load(config.model_path, config.model)
    path = Path(config.model_path) / "config.json"
    told = json.loads(path.read_text("utf-8"))
    tokens = {}
    for name in ("bos_token_id", "eos_token_id"):
        value = told.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, int) or not 0 <= value < checkpoint.shape.vocab:
            raise FlowError(f"{name} is {value!r}, expected a token of the vocabulary", where=str(path))
        tokens[name] = value
    return Model(checkpoint, checkpoint.tokenizer(), tokens["bos_token_id"], tokens["eos_token_id"])


def token_sequences(model: Model, name: str) -> list[list[int]]:
    """The texts of `<name>.txt` beside the weights, one a line, opened, closed and cut to the context."""
    path = model.checkpoint.source
    path = (path if path.is_dir() else path.parent) / f"{name}.txt"
    try:
        lines = [x for x in path.read_text("utf-8").splitlines() if x and not x.startswith("#")]
    except OSError as e:
        raise FlowError(
            f"no {name} text ({e.strerror})",
            where=str(path),
            hint="Put calibration.txt and heldout.txt beside the weights, one text a line.",
        ) from e
    encode = model.tokenizer.encode
    ids = [encode(x, add_special_tokens=False).ids for x in lines]
    return [[model.begin, *t, model.end][: model.checkpoint.shape.context] for t in ids]


def integer_model(folder: Path) -> IntModel:
    """The integer model, from the outputs of `quantise`."""
    calibration = json.loads((folder / "calibration.json").read_bytes())
    return lower(QuantModel.load(folder / "quantised.safetensors"), calibration)


def read_image(folder: Path) -> np.ndarray:
    """The ROM image, bool [rows, bits], from the outputs of `image`."""
    return np.load(folder / "image.npy")


def bank_spec(base: BaseConfig) -> BankSpec:
    """The bank that a base is made of."""
    return BankSpec(base.rom.word_lines, base.rom.bit_lines, pdk=base.pdk)


def site_map(base: BaseConfig) -> SiteMap:
    """Where each bit of a base's ROM lies on the chip."""
    grid = SiteGrid.of(bank_spec(base))
    return SiteMap.of(base.name, base.rom, base.floorplan.banks_nm(), grid.x, grid.y)
