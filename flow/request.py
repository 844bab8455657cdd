"""What a build is asked for, and what its steps are told."""

__all__ = ["LOSS_LIMIT", "PATHS", "BuildConfig", "Chain", "Run", "load_run"]

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from base_chip.dies import load_die
from flow.closure import Closure
from flow.files import atomic_write
from flow.pdk.files import PdkFiles
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file
from signoff.waivers import Waiver

LARGEST = 64 << 20  # bytes of a run's description


@dataclass(frozen=True)
class Chain:
    """What only a build on a chain of dies of tiles that are planned is asked for.

    Attributes:
        shape: Fields of the model's `Shape`.
        weights: Where the weights come from, in words; in every output.
        seed: Of synthetic weights; 0 for a checkpoint's.
        context: Positions kept.
        first, stop: Dies to build.
        total: Dies that the plan has.
        scheduler: Address of a Dask scheduler; empty for this machine.
        workers: Processes to start, without a scheduler.
        gds: Write GDSII, too.
        quantised: The weights are a file of `sc-flow quantise`, not a checkpoint.
    """

    shape: dict[str, Any]
    weights: str
    seed: int
    context: int
    first: int
    stop: int
    total: int
    scheduler: str = ""
    workers: int = 2
    gds: bool = False
    quantised: bool = False


# Settings with a digest of what lies elsewhere, and those that say where.
PATHS = {
    "model_digest": "model_path", "adapter_digest": "adapter_path", "quantised_digest": "quantised_path",
}  # fmt: skip
# SmolLM2 at 4.5 bits loses 1.03 times what it did, `words` at 3.5 bits 1.07, a ruined model 2 and more
LOSS_LIMIT = 1.1


@dataclass(frozen=True)
class BuildConfig:
    """Everything that may change a result; a step's key holds the fields it names, and no others.

    Attributes:
        model: Name of the model, also of the folder under `--out`.
        model_path: Its folder or file.
        model_digest: SHA-256 over its content, which stands for the path in keys.
        adapter_path: Folder of a LoRA adapter; empty for none.
        adapter_digest: SHA-256 over its content, likewise.
        quantised_path: File of `sc-flow quantise`, whose codes are taken; empty to quantise.
        quantised_digest: SHA-256 over its content, likewise.
        base: Empty for none: then it can only be quantised.
        seed: Of the first text's sampling; each further text has the next.
        temperature: Of the sampling; 0 for the likeliest token.
        words: How many texts the gate-level simulation generates.
        loss_limit: Most loss of the integer model on held-out text, as a multiple of the float model's.
        waivers: Faults that the checks of the chip are to count apart.
        chain: For a build on a chain of dies of tiles that are planned.
        chained: Dies of one column of tiles to cut the model over; 0 for as few as hold it.
        context: Positions that these keep; 0 for the base's own number.
    """

    model: str
    model_path: str
    model_digest: str
    pdk: str = "sky130"
    base: str = "nano"
    prompt: str = ""
    seed: int = 1
    temperature: float = 0.8
    words: int = 3
    loss_limit: float = LOSS_LIMIT
    waivers: tuple[Waiver, ...] = ()
    chain: Chain | None = None
    adapter_path: str = ""
    adapter_digest: str = ""
    quantised_path: str = ""
    quantised_digest: str = ""
    chained: int = 0
    context: int = 0

    @property
    def vec_tile(self) -> str:
        """The vec tile of the base, a file of base_chip/tiles."""
        return load_die(self.base).vec.tile


@dataclass(frozen=True)
class Run:
    """One run of the graph: what is asked for, and where this machine keeps things.

    Attributes:
        build: The folder of results, `<out>/<model>`.
        closures: What each step runs.
        forced: Steps that run although the cache has them.
    """

    config: BuildConfig
    pdk: PdkFiles
    build: Path
    closures: Mapping[str, Closure]
    forced: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return self.build / ".run.json"

    @property
    def events(self) -> Path:
        return self.build / ".events.jsonl"

    def save(self) -> None:
        """Write `file`, from which the process of each step reads what it is to do."""
        data = asdict(self)
        atomic_write(self.file, json.dumps(data, default=str, sort_keys=True, indent=1).encode())


def load_run(path: Path) -> Run:
    """What `Run.save` wrote; FlowError when the file is not that."""
    try:
        return _run(json.loads(read_file(path, LARGEST)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, FlowError) as e:
        raise FlowError(
            f"what was asked for cannot be read ({e})", where=str(path),
            hint="Build it again, or copy the whole folder build/<name>, hidden files too.",
        ) from e  # fmt: skip


def _run(data: dict[str, Any]) -> Run:
    pdk = data["pdk"]
    for field in ("files", "liberty", "extraction"):
        pdk[field] = {k: Path(v) for k, v in pdk[field].items()}
    config = data["config"]
    if config.get("chain") is not None:
        config["chain"] = Chain(**config["chain"])
    config["waivers"] = tuple(Waiver.of(w) for w in config.get("waivers", ()))
    closures = {step: Closure(**told) for step, told in data.get("closures", {}).items()}
    return Run(BuildConfig(**config), PdkFiles(**pdk), Path(data["build"]), closures, tuple(data["forced"]))
