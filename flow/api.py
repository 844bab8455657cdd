"""What the commands do, as functions with typed results that print nothing.

    from flow import build, load_model, plan, quantise

    print(plan("llama3.1-8b").dies[0])
    rounded = quantise(load_model("words"), bits=4.5)
    outcome = build("words", last="metal")

Every function raises `rtl_gen.errors.FlowError` for what it cannot do; its `what`, `where`, `hint` and
`code` are those of the command's message. The command line ends all that it started whatever happens to it;
these functions start the same processes and leave that to the caller's Python.
"""

__all__ = ["build", "load_model", "plan", "quantise"]

from dataclasses import replace
from pathlib import Path

from flow.chain.config import plan_of
from flow.config import make_config, model_name
from flow.outcome import Outcome
from flow.planning import Plan
from flow.quality import Quantised, Request, Say, run
from flow.request import LOSS_LIMIT
from flow.run import run_build
from flow.tasks.model import Model, open_model
from flow.waivers import load_waivers
from flow.weights import find_weights
from metal_configs.checkpoint import load
from metal_configs.quantise import Method


def load_model(model: str, weights: Path | None = None) -> Model:
    """Open a model with its tokenizer; weights are read when they are used.

    Args:
        model: A known model's name, or the path of a checkpoint.
        weights: The checkpoint of a known model that is neither in the package nor pulled.
    """
    path = find_weights(model, weights)
    return open_model(load(path, model_name(model, path)))


def quantise(
    model: Model,
    *,
    bits: float | None = None,
    method: Method = "gptq",
    texts: int | None = None,
    repair: int | None = None,
    samples: int | None = None,
    say: Say = lambda text: None,
) -> Quantised:
    """Round a model's weights to codes.

    Args:
        model: From `load_model`.
        bits: Average bits of ROM per weight, factors included; None for codes of 4 bits, 6 in embedding
            and head.
        method: "gptq", "rtn", or "learned" (needs PyTorch).
        texts: Calibration texts to use, evenly spread; None for all.
        repair: Rank of an adapter to train against what rounding loses (needs PyTorch).
        samples: Tokens of text that the float model writes, to calibrate on besides (needs PyTorch).
        say: Told what is being done.

    Returns:
        The codes (`.model`, with `.save(path)`), and the integer golden model (`.decoder()`).
    """
    return run(model, Request(method, bits, texts, repair=repair, samples=samples), say)


def plan(
    model: str,
    *,
    pdk: str = "sky130",
    base: str = "reticle",
    context: int | None = None,
    quantised: Path | None = None,
) -> Plan:
    """What a model takes on dies of tiles: dies, masks, area, memory, speed, energy. Needs no weights.

    Args:
        model: A known model's name, or the path of a config.json or its folder.
        pdk: Process.
        base: Dies of tiles.
        context: Positions whose keys and values are kept.
        quantised: A file of `sc-flow quantise`, to plan with its formats.
    """
    return plan_of(model, pdk, base, context, quantised)


def build(
    model: str,
    *,
    weights: Path | None = None,
    pdk: str = "sky130",
    base: str | None = "nano",
    prompt: str = "",
    seed: int = 1,
    temperature: float = 0.8,
    words: int = 3,
    adapter: Path | None = None,
    quantised: Path | None = None,
    chained: int = 0,
    context: int = 0,
    loss_limit: float = LOSS_LIMIT,
    waivers: Path | None = None,
    out: Path = Path("build"),
    first: str | None = None,
    last: str | None = None,
    jobs: int = 2,
    show: bool = False,
) -> Outcome:
    """Build a chip of one hardened die, or a chain of them, and prove it.

    Results are in `<out>/<model>`, as the command leaves them.

    Args:
        model: A known model's name, or the path of a checkpoint.
        weights: The checkpoint of a known model that is neither in the package nor pulled.
        pdk: Process.
        base: Base chip; None to quantise a model without one (`last="quantise"`).
        prompt: What the chip is to continue in simulation.
        seed: Of the first text's sampling; each further text has the next.
        temperature: Of the sampling; 0 takes the likeliest token.
        words: Texts to generate.
        adapter: PEFT's folder of a LoRA adapter, which the host loads before the first text; for a base
            of one column of tiles.
        quantised: A file of `sc-flow quantise`, whose codes are taken in place of quantising here.
        chained: Dies of one column of tiles to cut the model over; 0 for as few as hold it.
        context: Positions that these keep; 0 for the base's own number.
        loss_limit: Of the row `quality`: the integers' loss over that of floats.
        waivers: YAML of faults to count apart, each with reason and expiry.
        out: Folder that holds a folder for each model.
        first: Run this step and what depends on it, changed or not.
        last: Stop after this step.
        jobs: Steps at a time.
        show: Show on the terminal how far it is.

    Returns:
        Steps, checks, text and metrics; `outcome.exit_code(strict=True)` is 0 for a chip that is signed off.
    """
    config = make_config(
        model,
        weights=weights,
        pdk=pdk,
        base=base,
        prompt=prompt,
        seed=seed,
        temperature=temperature,
        words=words,
        loss_limit=loss_limit,
        adapter=adapter,
        quantised=quantised,
        chained=chained,
        context=context,
    )
    if waivers is not None:
        config = replace(config, waivers=load_waivers(waivers))
    return run_build(config, out, first=first, last=last, jobs=jobs, show=show)
