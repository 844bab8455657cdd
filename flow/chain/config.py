"""Builds on a chain of dies of tiles: what is asked for, checked before anything runs."""

__all__ = ["base_for", "die_range", "make_chain_config", "plan_of"]

import re
from dataclasses import asdict
from pathlib import Path

from base_chip.dies import load_die
from base_chip.pdk import load_pdk
from flow.config import model_name
from flow.digest import content_digest
from flow.files import sha256_bytes
from flow.planning import Plan, fitting_bases, make_plan, model_shape
from flow.request import BuildConfig, Chain
from flow.weights import check_shape, find_weights
from metal_configs.compile.source import QuantisedSource
from metal_configs.models import KNOWN
from rtl_gen.errors import ExitCode, FlowError

DEFAULT = "reticle"


def base_for(model: str) -> str:
    """The base of a build that names none: the smallest die that holds the model, else a chain of them."""
    return next(iter(fitting_bases(model_shape(model)[1])), DEFAULT)


def plan_of(
    model: str, pdk: str, base: str | None, context: int | None, quantised: Path | None = None
) -> Plan:
    """The plan of a build.

    Args:
        model: As it was given.
        pdk, base, context: Likewise.
        quantised: A file of `sc-flow quantise`, whose formats are planned with.

    Raises:
        FlowError: A name is not known, base and PDK do not belong together, the model cannot be placed, or
            the quantised file is of another model.
    """
    load_pdk(pdk)
    dies = load_die(base or DEFAULT)
    if dies.pdk != pdk:
        raise FlowError(
            f"base {dies.name!r} is made for {dies.pdk}, not for {pdk}",
            hint=f"Pass --pdk {dies.pdk}.",
            code=ExitCode.USAGE,
        )
    name, shape = model_shape(model)
    forms = None
    if quantised is not None:
        source = QuantisedSource(quantised)
        check_shape(source.shape, shape, model, quantised)
        forms = source.forms
    return make_plan(name, shape, dies, context, forms)


def die_range(text: str, dies: int) -> tuple[int, int]:
    """First die and the one behind the last of "4:8", "4:", ":8" or "4"; all for an empty text.

    Raises:
        FlowError: It is no range, or lies outside the plan.
    """
    match = re.fullmatch(r"(\d*)(:?)(\d*)", text)
    if not match or text == ":" or len(text) > 20:
        raise FlowError(
            f"--dies is {text!r}, expected FIRST:STOP, such as 0:4 for dies 0 to 3", code=ExitCode.USAGE
        )
    first = int(match[1] or 0)
    stop = int(match[3]) if match[3] else dies if match[2] or not text else first + 1
    if not first < stop <= dies:
        raise FlowError(
            f"--dies {text} asks for dies {first} to {stop - 1}, the plan has {dies}: 0 to {dies - 1}",
            hint=f"Pass a range within 0:{dies}; `sc-flow plan` shows what each die holds.",
            code=ExitCode.USAGE,
        )
    return first, stop


def make_chain_config(
    model: str,
    plan: Plan,
    *,
    weights: Path | None = None,
    dies: str = "",
    synthetic: int | None = None,
    scheduler: str = "",
    workers: int = 2,
    gds: bool = False,
    quantised: Path | None = None,
) -> BuildConfig:
    """Check what is asked for.

    Args:
        model: As it was given.
        plan: Of the model.
        weights: The checkpoint of a known model.
        dies: See `die_range`.
        synthetic: Seed of generated weights, in place of a checkpoint's.
        quantised: A file of `sc-flow quantise`, likewise.

    Raises:
        FlowError: The range is outside the plan, or the weights are not here, or given in two ways.
    """
    if sum(x is not None for x in (weights, synthetic, quantised)) > 1:
        raise FlowError(
            "of --weights, --synthetic-weights and --quantised, more than one is given", code=ExitCode.USAGE,
            hint="A quantised file holds all weights of its model: leave the others out.",
        )  # fmt: skip
    first, stop = die_range(dies, len(plan.dies))
    _, shape = model_shape(model)
    name = f"{model_name(model, Path(model))}_{plan.base}"
    if quantised is not None:
        path, digest = str(quantised.absolute()), content_digest(quantised)
        told = f"quantised {quantised.name} {digest[:12]}"
        name += "_quantised"
    elif synthetic is None:
        folder = _weights(model, weights).absolute()
        path, digest, told = str(folder), content_digest(folder), f"checkpoint {folder.name}, to nearest"
    else:
        path, told = "", f"SYNTHETIC (random Gaussian, seed {synthetic}; not the model's own)"
        digest = sha256_bytes(told.encode())
        name += f"_synthetic_{synthetic}"
    chain = Chain(
        asdict(shape), told, synthetic or 0, plan.context, first, stop, len(plan.dies), scheduler, workers,
        gds, quantised is not None,
    )  # fmt: skip
    return BuildConfig(name, path, digest, plan.pdk, plan.base, chain=chain)


def _weights(model: str, weights: Path | None) -> Path:
    try:
        return find_weights(model, weights)
    except FlowError as e:
        if model not in KNOWN or weights is not None:
            raise
        raise FlowError(
            e.what, where=e.where, code=e.code,
            hint=f"{e.hint}\n  Or pass --synthetic-weights SEED to run the same path on generated weights of"
            " the same shape.",
        ) from e  # fmt: skip
