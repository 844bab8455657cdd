"""Design rules with the KLayout deck, every rule group on; density and empty shapes with theirs."""

__all__ = ["DrcKlayoutTask", "klayout_rows"]

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from base_chip.pdk import Pdk
    from flow.pdk.files import PdkFiles
    from signoff.result import CheckResult
    from signoff.waivers import Waiver


class DrcKlayoutTask(StepTask):
    """Each has a negative control: for the rules, a small bank with an error of each group."""

    step_name = "drc_klayout"
    config: ClassVar[tuple[str, ...]] = ("pdk", "waivers")
    tools = ("klayout",)
    roles = ("klayout_drc", "klayout_density", "klayout_zeroarea")
    is_check = True

    def layout(self, job: Job) -> tuple[Path, str]:
        """What is checked: a GDS file and its top cell."""
        raise NotImplementedError

    def tiles(self, job: Job) -> Mapping[str, Path]:
        """Layouts, by cell, of what is checked by itself elsewhere; without any, all is looked at."""
        return {}

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk

        chip, top = self.layout(job)
        pdk = load_pdk(job.config.pdk)
        tiles = self.tiles(job)
        return Result(klayout_rows(chip, top, pdk, job.pdk, job.scratch, job.config.waivers, tiles))


def klayout_rows(
    chip: Path,
    top: str,
    pdk: "Pdk",
    files: "PdkFiles",
    folder: Path,
    waivers: "Sequence[Waiver]",
    tiles: Mapping[str, Path] | None = None,
) -> "list[CheckResult]":
    """Design rules, density and empty shapes of a layout, each with its control; reports go to `folder`.

    What is deep inside of `tiles` (layouts by cell), which have these rows of their own, design rules do not
    look at again; see `signoff.drc_shell`.
    """
    from flow.tasks.sample import sample_bank
    from signoff import drc_shell
    from signoff.drc_klayout import control, density, density_control, run, zero_area, zero_area_control

    deck, dense, empty = (files.path(f"klayout_{name}") for name in ("drc", "density", "zeroarea"))
    folder.mkdir(exist_ok=True)
    sample = sample_bank(pdk.name, folder)

    def rules() -> "list[CheckResult]":
        if tiles:
            return drc_shell.run(chip, top, tiles, deck, folder / "drc", layers=pdk.layers, waivers=waivers)
        return [run(chip, top, deck, folder / "drc", waivers=waivers)]

    checks: tuple[Callable[[], CheckResult], ...] = (
        lambda: control(
            sample.layout, sample.spec.name, deck, folder / "control", site=sample.empty, layers=pdk.layers
        ),
        lambda: density(chip, top, dense, folder / "density", waivers=waivers),
        lambda: density_control(dense, folder / "density_control", layers=pdk.layers),
        lambda: zero_area(chip, top, empty, folder / "zero"),
        lambda: zero_area_control(empty, folder / "zero_control", layers=pdk.layers),
    )
    with ThreadPoolExecutor(2) as pool:  # the first takes longer than all others
        first, rest = pool.submit(rules), [pool.submit(check) for check in checks]
        (row, *inside), (control_row, *others) = first.result(), [done.result() for done in rest]
    return [row, control_row, *inside, *others]
