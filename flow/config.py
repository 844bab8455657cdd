"""Checks what a build is asked for before anything runs."""

__all__ = ["folder_name", "make_config", "model_name"]

import re
from dataclasses import replace
from pathlib import Path

from base_chip.dies import load_die
from base_chip.pdk import load_pdk
from flow.digest import content_digest
from flow.request import LOSS_LIMIT, BuildConfig
from flow.weights import check_shape, find_weights
from metal_configs.adapters import read_peft
from metal_configs.checkpoint import load, path_name
from metal_configs.compile.source import QuantisedSource
from metal_configs.models import KNOWN
from rtl_gen.errors import ExitCode, FlowError

LONGEST_NAME = 100  # characters; what is written beside it must fit a file name, too


def make_config(
    model: str,
    *,
    pdk: str = "sky130",
    base: str | None = "nano",
    prompt: str = "",
    seed: int = 1,
    temperature: float = 0.8,
    words: int = 3,
    loss_limit: float = LOSS_LIMIT,
    weights: Path | None = None,
    adapter: Path | None = None,
    quantised: Path | None = None,
    chained: int = 0,
    context: int = 0,
) -> BuildConfig:
    """Resolve names and check them.

    Args:
        model: A known model's name, or the path of a checkpoint.
        base: None for none, which is enough to quantise.
        weights: The checkpoint of a known model that is neither in the package nor pulled.
        adapter: PEFT's folder of a LoRA adapter.
        quantised: A file of `sc-flow quantise`, whose codes are taken.
        chained: Dies to cut the model over, of a base of one column of tiles; 0 for as few as hold it.
        context: Positions that these keep; 0 for the base's own number.

    Raises:
        FlowError: A name is not known, base and PDK do not belong together, checkpoint or adapter are damaged
            or do not belong together, or the model cannot take the prompt.
    """
    from flow.tasks.model import open_model

    load_pdk(pdk)
    if base is not None and (on := load_die(base).pdk) != pdk:
        raise FlowError(
            f"base {base!r} is made for {on}, not for {pdk}", hint=f"Pass --pdk {on}.", code=ExitCode.USAGE
        )
    path = find_weights(model, weights).absolute()
    name = model_name(model, path)
    # What can be told from config, headers and tokenizer is told before anything runs.
    checkpoint = load(path, name)
    open_model(checkpoint).prompt(prompt)
    config = BuildConfig(
        name, str(path), content_digest(path), pdk, base or "", prompt, seed, temperature, words, loss_limit,
        chained=chained, context=context,
    )  # fmt: skip
    if chained > checkpoint.shape.layers:
        raise FlowError(
            f"{name} has {checkpoint.shape.layers} layers, which cannot be cut for {chained} dies",
            where="--chain",
            hint=f"Take 1 to {checkpoint.shape.layers} dies.", code=ExitCode.USAGE,
        )  # fmt: skip
    if quantised is not None:
        check_shape(QuantisedSource(quantised).shape, checkpoint.shape, model, quantised)
        there, digest = str(quantised.absolute()), content_digest(quantised)
        config = replace(config, quantised_path=there, quantised_digest=digest)
    if adapter is None:
        return config
    read_peft(adapter, checkpoint.shape, name)
    there = str(adapter.absolute())
    return replace(config, adapter_path=there, adapter_digest=content_digest(adapter))


def model_name(model: str, path: Path) -> str:
    """What results are called: the known name, or that of the checkpoint's file or folder."""
    return re.sub(r"\W", "_", model, flags=re.ASCII) if model in KNOWN else folder_name(path_name(path))


def folder_name(name: str) -> str:
    """A name as one of a folder: letters, digits, dots, hyphens stay; Llama-3.1-8B is not Llama-3_1-8B."""
    return re.sub(r"^[.-]|[^A-Za-z0-9_.-]", "_", name)[:LONGEST_NAME]
