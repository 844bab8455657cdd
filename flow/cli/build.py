"""`sc-flow build`."""

__all__ = ["build"]

from dataclasses import replace
from pathlib import Path

import click

from flow.cli.messages import say_error, say_errors
from flow.cli.numbers import CONTEXT, SEED, TEMPERATURE, Finite
from flow.cli.plan import print_plan
from flow.request import LOSS_LIMIT
from rtl_gen.errors import ExitCode, FlowError


@click.command()
@click.option("--model", required=True, help="A known model's name, or the path of a checkpoint.")
@click.option("--weights", type=click.Path(path_type=Path), help="The checkpoint of a known model.")
@click.option("--pdk", default="sky130", show_default=True)
@click.option(
    "--base", help="Base chip; by default the smallest die that holds the model, else a chain of reticle."
)
@click.option("--from", "first", metavar="STEP", help="Run STEP and what depends on it, changed or not.")
@click.option("--to", "last", metavar="STEP", help="Stop after STEP.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@click.option("--prompt", default="", help="What the chip is to continue.")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Of the sampling.")
@click.option(
    "--temperature",
    type=TEMPERATURE,
    default=0.8,
    show_default=True,
    help="Of the sampling; 0 takes the likeliest token.",
)
@click.option(
    "--words", type=click.IntRange(1, 1000), default=3, show_default=True, help="Words to generate."
)
@click.option(
    "--adapter", type=click.Path(path_type=Path),
    help="A LoRA adapter of the model, a folder of PEFT's: its dies keep room for it, and it is loaded.",
)  # fmt: skip
@click.option(
    "--chain", "chained", type=click.IntRange(1, 64), metavar="N",
    help="Base of one column of tiles: cut the model over N dies; as few as hold it by default.",
)  # fmt: skip
@click.option(
    "--loss-limit",
    type=Finite(min=1),
    default=LOSS_LIMIT,
    show_default=True,
    help="Most loss of the integer model, as a multiple of the float model's.",
)
@click.option(
    "--waivers", "waived", type=click.Path(path_type=Path), metavar="FILE",
    help="YAML of faults to count apart, each with reason and expiry (docs/chip_checks.md).",
)  # fmt: skip
@click.option("--strict", is_flag=True, help='Let a check that did not run ("not run") fail the build.')
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Steps, and dies, at a time."
)
@click.option("--context", type=CONTEXT, help="Dies of tiles: positions kept.")
@click.option("--dies", default="", metavar="FIRST:STOP", help="Several dies: build these of the plan only.")
@click.option("--synthetic-weights", type=SEED, metavar="SEED", help="Several dies: generate weights.")
@click.option(
    "--quantised", type=click.Path(path_type=Path), metavar="FILE",
    help="What `sc-flow quantise` wrote, whose codes are taken.",
)  # fmt: skip
@click.option("--scheduler", default="", metavar="tcp://...", help="Several dies: a running Dask scheduler.")
@click.option("--gds", is_flag=True, help="Several dies: write GDSII beside OASIS.")
def build(
    model: str,
    weights: Path | None,
    pdk: str,
    base: str | None,
    first: str | None,
    last: str | None,
    out: Path,
    prompt: str,
    seed: int,
    temperature: float,
    words: int,
    adapter: Path | None,
    chained: int | None,
    loss_limit: float,
    waived: Path | None,
    strict: bool,
    jobs: int,
    context: int | None,
    dies: str,
    synthetic_weights: int | None,
    quantised: Path | None,
    scheduler: str,
    gds: bool,
) -> int:
    """Build a chip for a model, and prove it; what is unchanged since an earlier build is reused."""
    from base_chip.dies import load_die
    from base_chip.pdk import load_pdk
    from flow import api
    from flow.chain.config import base_for, make_chain_config, plan_of
    from flow.progress import final_table, result_console
    from flow.run import run_build
    from flow.waivers import load_waivers

    load_pdk(pdk)
    on = base_for(model) if base is None else base
    chain = not load_die(on).one_column
    if chain and not (base is None and last == "quantise"):  # which needs no base
        if adapter is not None:
            raise FlowError(
                f"dies of {on} are planned, and take no adapter", where="--adapter",
                hint="Leave it out, or take a base of one column of tiles: --base story.",
                code=ExitCode.USAGE,
            )  # fmt: skip
        if chained is not None:
            raise FlowError(
                "the dies of this base are counted by its plan", where="--chain",
                hint="Leave it out, or take a base of one column of tiles: --base nano.",
                code=ExitCode.USAGE,
            )  # fmt: skip
        waivers = load_waivers(waived) if waived else ()
        plan = plan_of(model, pdk, on, context, quantised)
        try:
            config = make_chain_config(
                model,
                plan,
                weights=weights,
                dies=dies,
                synthetic=synthetic_weights,
                scheduler=scheduler,
                workers=jobs,
                gds=gds,
                quantised=quantised,
            )
        except FlowError:
            print_plan(plan)
            raise
        config = replace(config, waivers=waivers)
        outcome = run_build(config, out, first=first, last=last, jobs=jobs)
    else:
        if dies or synthetic_weights or scheduler or gds:
            raise FlowError(
                "--dies, --synthetic-weights, --scheduler and --gds are for dies of several columns,"
                f" {model} is built on {on}",
                hint="Leave them out, or choose such a base: --base reticle or --base slot.",
                code=ExitCode.USAGE,
            )
        outcome = api.build(
            model,
            weights=weights,
            pdk=pdk,
            base=None if chain else on,
            prompt=prompt,
            seed=seed,
            temperature=temperature,
            words=words,
            adapter=adapter,
            quantised=quantised,
            chained=chained or 0,
            context=context or 0,
            loss_limit=loss_limit,
            waivers=waived,
            out=out,
            first=first,
            last=last,
            jobs=jobs,
            show=True,
        )
    final_table(outcome, result_console())
    click.echo(f"Results: {outcome.folder / 'result.json'}")
    click.echo(f"Report: {outcome.folder / 'report.html'}")
    say_errors(outcome.errors)
    status = outcome.exit_code(strict=strict)
    if status == ExitCode.CHECK_FAILED:
        bad = [c.name for c in outcome.checks if c.status in (("fail", "not run") if strict else ("fail",))]
        say_error(
            FlowError(
                f"not signed off: {', '.join(bad) or 'not every step was run'}",
                hint="The table says why; details lie beside each step in the build folder.",
                code=ExitCode.CHECK_FAILED,
            )
        )
    return status
