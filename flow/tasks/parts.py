"""Objects that several steps make from the same settings or from the same outputs of a step before."""

__all__ = [
    "Model",
    "integer_model",
    "load_model",
    "open_model",
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
from metal_configs import prose
from metal_configs.checkpoint import Checkpoint, load
from metal_configs.checkpoint.tokens import encode
from metal_configs.lower import lower
from metal_configs.prompt import prompt_tokens
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.quantised import QuantModel


@dataclass(frozen=True)
class Model:
    """A checkpoint and what it says about text.

    Attributes:
        begin, end: Tokens that open and close a text; where texts are not opened, an empty one begins with
            the token that closes others, if none is named that opens them.
    """

    checkpoint: Checkpoint
    tokenizer: Tokenizer
    begin: int
    end: int

    def prompt(self, text: str) -> list[int]:
        """Tokens to continue from; see `prompt_tokens`."""
        c = self.checkpoint
        return prompt_tokens(self.tokenizer, text, self.begin, c.opens, c.shape.context)


def load_model(config: BuildConfig) -> Model:
    """The model of a build."""
    return open_model(load(config.model_path, config.model))


def open_model(checkpoint: Checkpoint) -> Model:
    """A checkpoint with its tokenizer; FlowError when it names no opening or closing token."""
    begin = checkpoint.end if checkpoint.begin is None and not checkpoint.opens else checkpoint.begin
    for name, token in (("opens", begin), ("closes", checkpoint.end)):
        if token is None:
            raise FlowError(
                f"no token of the vocabulary is named that {name} a text", where=str(checkpoint.source),
                hint="Name bos_token_id and eos_token_id in config.json, or in the header of the GGUF file.",
            )  # fmt: skip
    assert begin is not None
    assert checkpoint.end is not None
    return Model(checkpoint, checkpoint.tokenizer(), begin, checkpoint.end)


def token_sequences(model: Model, name: str) -> list[list[int]]:
    """Texts to calibrate or to measure on, cut to the context.

    Those of `<name>.txt` beside the weights, one a line, opened and closed; where there is no such file, the
    packaged English prose, which ends nowhere and is not closed.
    """
    c = model.checkpoint
    path = (c.source if c.source.is_dir() else c.source.parent) / f"{name}.txt"
    own = path.is_file()
    try:
        text = path.read_text("utf-8").splitlines() if own else prose.lines(name)
    except (OSError, UnicodeDecodeError) as e:
        raise FlowError(
            f"{name} text cannot be read ({e})",
            where=str(path),
            hint="It should hold one text a line, in UTF-8.",
        ) from e
    ids = [encode(model.tokenizer, x, str(c.source)) for x in text if x and not x.startswith("#")]
    begin, end = [model.begin] * c.opens, [model.end] * own
    return [[*begin, *t, *end][: c.shape.context] for t in ids]


def integer_model(folder: Path) -> IntModel:
    """The integer model, from the outputs of `quantise`."""
    calibration = json.loads((folder / "calibration.json").read_bytes())
    return lower(QuantModel.load(folder / "quantised.safetensors"), calibration)


def read_image(folder: Path) -> np.ndarray:
    """The ROM image, bool [rows, bits], from the outputs of `image`."""
    return np.load(folder / "image.npy")


def site_map(base: BaseConfig) -> SiteMap:
    """Where each bit of a base's ROM lies on the chip."""
    grid = SiteGrid.of(BankSpec.of(base.rom, base.pdk))
    return SiteMap.of(base.name, base.rom, base.floorplan.banks_nm(), grid.x, grid.y)
