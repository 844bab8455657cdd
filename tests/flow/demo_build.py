"""Runs the demo graph as a process of its own: demo_build.py OUT [--to X] [--from X] [PROMPT]."""

import sys
from pathlib import Path

import click
from demo_tasks import STEPS
from rich.console import Console

from flow.cli import main as entry
from flow.cli.main import cli
from flow.cli.messages import say_errors
from flow.progress import final_table
from flow.request import BuildConfig
from flow.run import run_build


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--to", "last")
@click.option("--from", "first")
@click.option("--prompt", default="x")
@click.option("--model", default="demo")
@click.option("--model-path", default="")
@click.option("--words", default=1)
@click.option("--strict", is_flag=True)
def demo(
    out: Path, last: str, first: str, prompt: str, model: str, model_path: str, words: int, strict: bool
) -> int:
    config = BuildConfig(model, model_path, model_path, prompt=prompt, words=words)
    outcome = run_build(config, out, first=first, last=last, steps=STEPS)
    final_table(outcome, Console(width=120))
    say_errors(outcome.errors)
    return outcome.exit_code(strict=strict)


if __name__ == "__main__":
    sys.exit(entry())
