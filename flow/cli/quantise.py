"""`sc-flow quantise`: a quantised model and what it costs, without a chip."""

__all__ = ["quantise"]

import json
import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from flow.cli.numbers import SEED, TEMPERATURE, Finite
from rtl_gen.errors import printable

if TYPE_CHECKING:  # they take a second to import, which other commands need not wait for
    from flow.quality import Quantised
    from flow.tasks.model import Model
    from metal_configs.quantise import Method
    from metal_configs.quantise.report import Report


@click.command()
@click.option("--model", required=True, help="A known model's name, or the path of a checkpoint.")
@click.option("--weights", type=click.Path(path_type=Path), help="The checkpoint of a known model.")
@click.option(
    "--bits", type=Finite(0, 64),
    help="Average bits of ROM per weight, scales included; 4 a code (6 in the embedding) without it.",
)  # fmt: skip
@click.option("--method", type=click.Choice(["gptq", "rtn", "learned"]), default="gptq", show_default=True)
@click.option(
    "--calibration-texts",
    type=click.IntRange(1),
    help="Texts to calibrate on, evenly spread; all by default.",
)
@click.option(
    "--samples", type=click.IntRange(1, 10_000_000), metavar="TOKENS",
    help="Calibrate besides on so many tokens of text that the float model writes (needs PyTorch).",
)  # fmt: skip
@click.option(
    "--adapter", type=click.Path(path_type=Path), help="A LoRA adapter of the model, a folder of PEFT's."
)
@click.option(
    "--repair", type=click.IntRange(1, 16), metavar="RANK",
    help="Train an adapter of this rank that wins back part of what quantising loses (needs PyTorch).",
)  # fmt: skip
@click.option("--report", is_flag=True, help="Measure what it costs on held-out text.")
@click.option(
    "--texts", type=click.IntRange(1), help="Held-out texts to measure on, evenly spread; all by default."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the results; build/<model>-quantised."
)
@click.option("--prompt", help="Let the integer golden model continue this.")
@click.option("--tokens", type=click.IntRange(1, 1000), default=30, show_default=True)
@click.option("--temperature", type=TEMPERATURE, default=0.0, show_default=True)
@click.option("--seed", type=SEED, default=1, show_default=True)
def quantise(
    model: str,
    weights: Path | None,
    bits: float | None,
    method: "Method",
    calibration_texts: int | None,
    samples: int | None,
    adapter: Path | None,
    repair: int | None,
    report: bool,
    texts: int | None,
    out: Path | None,
    prompt: str | None,
    tokens: int,
    temperature: float,
    seed: int,
) -> None:
    """Quantise a model into one file, and measure what that costs."""
    from flow.config import model_name
    from flow.digest import content_digest
    from flow.files import atomic_write, disk_faults, make_folder
    from flow.kept_codes import CODES
    from flow.lock import claim
    from flow.quality import Request, measure, run
    from flow.tasks.model import open_model
    from flow.weights import find_weights
    from metal_configs.checkpoint import load
    from metal_configs.quantise.picture import picture

    console = Console(highlight=False)
    path = find_weights(model, weights)
    opened = open_model(load(path, model_name(model, path)))
    ids = None if prompt is None else opened.prompt(prompt)
    folder = out or Path("build") / f"{opened.checkpoint.name}-quantised"
    make_folder(folder)
    if out is None:
        claim(folder, str(path.absolute()), content_digest(path))
    say = _sayer()
    with disk_faults(folder):
        asked = Request(method, bits, calibration_texts, adapter, repair, samples)
        done = run(opened, asked, say, folder)
        if done.adapter is not None:
            done.adapter.save(folder / "adapter.safetensors")
    click.echo(
        f"{done.average_bits:.3f} bits of code per weight, {done.average_rom_bits:.3f} of ROM with scales: "
        f"{folder / CODES}"
    )
    if done.adapter is not None:
        click.echo(f"adapter {printable(done.adapter.name)}: {folder / 'adapter.safetensors'}")
    if report:
        found = measure(opened, done, texts, say)
        told = json.dumps(found.to_dict(), indent=1, sort_keys=True) + "\n"
        atomic_write(folder / "report.json", told.encode())
        atomic_write(folder / "report.txt", (found.text() + "\n").encode())
        atomic_write(folder / "report.png", picture(found))
        for table in _tables(found):
            console.print(table)
        if found.source:
            click.echo(found.note())
        click.echo(f"Every matrix: {folder / 'report.txt'}, report.png")
    if ids is not None:
        _continue(opened, done, ids, tokens, temperature, seed)


def _sayer() -> Callable[[str], None]:
    return lambda text: click.echo(printable(f"  {text}"), err=True)


def _tables(found: "Report") -> list[Table]:
    out = []
    for text in dict.fromkeys(r.text for r in found.rows):
        rows = [r for r in found.rows if r.text == text]
        quality = Table(title=f"{rows[0].score.tokens:,} held-out tokens of {text}", title_justify="left")
        heads = ("model", "nats per token", "more (95 %)", "perplexity", "of float", "top-1", "KL", "agrees")
        for head in heads:
            quality.add_column(head, justify="left" if head == "model" else "right")
        exact = found.exact(rows[0])
        for r in rows:
            nll = r.score.nll
            more = "" if nll == exact else f"{r.low:+.3f} .. {r.high:+.3f}"
            quality.add_row(
                r.name, f"{nll:.4f}", more, f"{math.exp(nll):.3f}", f"{math.exp(nll - exact):.4f}",
                f"{r.score.top1:.2%}", f"{r.kl:.4f}", f"{r.agreement:.2%}",
            )  # fmt: skip
        out.append(quality)
    matrices = Table(title="Matrices", title_justify="left")
    for head in ("kind", "bits", "ROM bits per weight", "mean error", "worst"):
        matrices.add_column(head, justify="left" if head in ("kind", "bits") else "right")
    for k in found.kinds():
        matrices.add_row(k.name, k.bits, f"{k.rom_bits:.3f}", f"{k.mean_error:.2%}", f"{k.worst_error:.2%}")
    out.append(matrices)
    if found.outliers:
        ratios = Table(title="Largest element over rms of what matrices multiply", title_justify="left")
        for head in ("kinds", "mean", "99 %", "rotated: mean", "99 %"):
            ratios.add_column(head, justify="left" if head == "kinds" else "right")
        for kinds, values in found.outliers.items():
            ratios.add_row(kinds, *(f"{v:.1f}" for v in values))
        out.append(ratios)
    return out


def _continue(
    opened: "Model", done: "Quantised", ids: list[int], tokens: int, temperature: float, seed: int
) -> None:
    from rtl_gen.golden.sampling import beta_of

    said = list(islice(done.decoder().generate(ids, beta=beta_of(temperature), seed=seed), tokens))
    click.echo(printable(opened.tokenizer.decode([*ids, *said]), keep="\n\t"))
