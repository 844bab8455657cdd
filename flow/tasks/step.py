"""A step of the graph: a SiliconCompiler task that is reused when nothing it depends on has changed.

A step's class names what it depends on and computes its outputs in `work`; everything else (key, cache,
progress, publishing, failure records) is here. To add a step, subclass `StepTask` in a module of this
package and list the class in `flow.graph.STEPS`.
"""

__all__ = ["FAILURE", "RESULT", "Job", "Result", "StepTask"]

import dataclasses
import json
import os
import shutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import msgspec
from siliconcompiler import Task

from flow.cache import CacheDamage, StepCache
from flow.closure import Sources
from flow.events import tell
from flow.evidence import keep_evidence
from flow.files import atomic_dir, cache_root, disk_faults
from flow.guard import Settings, confined
from flow.keys import folder_files, step_key
from flow.pdk.files import PdkFiles
from flow.request import PATHS, BuildConfig, Run, load_run
from flow.stopwatch import Stopwatch
from flow.tools import identity
from rtl_gen.errors import FlowError
from rtl_gen.tools import TOOLS, require, version
from rtl_gen.untrusted import read_file
from signoff.result import CheckResult

RESULT = "step.json"  # beside a step's outputs: what it found
FAILURE = "failure.json"  # in a step's working folder: why it has no outputs
CRASHED = 70
LARGEST_RECORD = 64 << 20  # bytes


@dataclass(frozen=True)
class Job:
    """What `StepTask.work` gets.

    Attributes:
        inputs: Folder of the outputs of each step named in `needs`.
        out: Empty folder for the outputs.
        scratch: Empty folder for everything else.
        build: Folder of the build, for what is too large to be copied from step to step.
        say: Shows a line while the step runs.
    """

    config: BuildConfig
    pdk: PdkFiles
    inputs: Mapping[str, Path]
    out: Path
    scratch: Path
    build: Path
    say: Callable[[str], None]


@dataclass
class Result:
    """What a step found, beside its files.

    Attributes:
        metrics: Flat; the unit is in the name.
        text: Strings that the chip generated.
        tokens_equal: Whether the chip's tokens are those of the golden model; None when not compared.
        note: A few words for the table.
    """

    checks: list[CheckResult] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    tokens_equal: bool | None = None
    note: str = ""

    @classmethod
    def read(cls, path: Path) -> "Result":
        """What a step wrote beside its outputs; CacheDamage when the file is not that, whoever made it."""
        try:
            return msgspec.json.decode(read_file(path, LARGEST_RECORD), type=_Record).result
        except (msgspec.MsgspecError, FlowError, RecursionError) as e:
            raise CacheDamage(f"{path.name} is not what a step writes: {e}") from e

    def failed(self) -> list[CheckResult]:
        return [c for c in self.checks if c.status == "fail"]


@dataclass(frozen=True)
class _Record:
    key: str
    files: dict[str, str]
    result: Result


class StepTask(Task):
    """Base of all steps.

    Attributes:
        step_name: Name of the node.
        needs: Steps whose outputs it reads.
        config: Fields of `BuildConfig` that it depends on.
        tools: External tools that it cannot do without.
        roles: PDK files that it reads, by role; "liberty" for those.
        is_check: Whether it is a check, which reads "not run" when a tool is missing.
        cached: Whether its outputs are kept.
    """

    step_name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    config: ClassVar[tuple[str, ...]] = ()
    tools: ClassVar[tuple[str, ...]] = ()
    roles: ClassVar[tuple[str, ...]] = ()
    is_check: ClassVar[bool] = False
    cached: ClassVar[bool] = True

    def work(self, job: Job) -> Result:
        """Compute the outputs of the step; FlowError when it cannot be done."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("run", "str", "file that describes the run")

    def tool(self) -> str:
        return "scflow"

    def task(self) -> str:
        return self.step_name

    def setup(self) -> None:
        super().setup()
        self.set_threads(1)
        self.add_output_file(self.step_name)
        for name in self.needs:
            self.add_input_file(name)

    def run(self) -> int:
        """Runs in a process of its own, in the node's working folder; 0 when the outputs are there."""
        run = load_run(Path(self.get("var", "run")))
        watch = Stopwatch()
        tell(run.events, self.step_name, "start")
        try:
            status, note = self._reuse_or_work(run, watch)
        except Exception as e:
            what = self._record_failure(e, watch)
            tell(run.events, self.step_name, "failed", what)
            return 1
        tell(run.events, self.step_name, status, note)
        return 1 if status == "failed" else 0

    def _reuse_or_work(self, run: Run, watch: Stopwatch) -> tuple[str, str]:
        out = Path("outputs", self.step_name)
        key = self._key(run)
        cache = StepCache(cache_root())
        with disk_faults(run.build):
            if self.cached and self.step_name not in run.forced and self._restored(run, cache, key):
                os.rename("restored", out)
                self._publish(run, watch, reused=True)
                return "reused", Result.read(out / RESULT).note
            out.mkdir()
            result = self._checked_work(run, out)
            told = {"key": key, "files": folder_files(out), "result": dataclasses.asdict(result)}
            keep_evidence(Path("scratch"), out)
            told["evidence"] = {f: d for f, d in folder_files(out).items() if f not in told["files"]}
            (out / RESULT).write_text(json.dumps(told, sort_keys=True, indent=1))
            # What failed, did not run or is waived until a date is looked at again each time.
            if self.cached and all(c.status == "pass" for c in result.checks):
                cache.store(key, out, folder_files(out))
            self._publish(run, watch, reused=False)
        if bad := result.failed():
            return "failed", bad[0].reason or bad[0].detail
        if result.checks and all(c.status == "not run" for c in result.checks):
            return "not run", result.checks[0].reason
        return "done", result.note

    def _restored(self, run: Run, cache: StepCache, key: str) -> bool:
        folder = Path("restored")
        folder.mkdir()
        try:
            found = cache.restore(key, folder)
            if found:
                Result.read(folder / RESULT)
        except CacheDamage as e:
            tell(run.events, self.step_name, "warn", f"damaged cache entry ({e}); the step runs again")
            found = False
        if not found:
            shutil.rmtree(folder)
        return found

    def _checked_work(self, run: Run, out: Path) -> Result:
        for tool in self.tools:
            if self.is_check and version(tool) is None:
                reason = f"{TOOLS[tool].exe or tool} is not installed; run: {TOOLS[tool].fix}"
                return Result([CheckResult.not_run(self.step_name, reason, tool)])
            require(tool)
        scratch = Path("scratch").absolute()
        scratch.mkdir()
        asked = Settings(run.config, self.config, self.step_name)
        job = Job(
            cast(BuildConfig, asked) if self.cached else run.config,
            run.pdk.only(self.roles),
            {n: Path("inputs", n).absolute() for n in self.needs},
            out.absolute(),
            scratch,
            run.build,
            lambda text: tell(run.events, self.step_name, "say", text),
        )
        closure = run.closures[self.step_name]
        # The content of the model is in the key of a step that says so.
        paths = [getattr(run.config, PATHS[name]) for name in self.config if name in PATHS]
        with confined(closure, self.step_name, tools=self.tools, also=[Path(path) for path in paths if path]):
            result = self.work(job)
        if changed := Sources().changed(closure):
            raise FlowError(
                f"{', '.join(changed[:3])} changed while the build ran",
                where=f"step {self.step_name}",
                hint="Run the same command again.",
            )
        return result

    def _key(self, run: Run) -> str:
        inputs = {n: json.loads(Path("inputs", n, RESULT).read_bytes())["files"] for n in self.needs}
        return step_key(
            self.step_name,
            code=run.closures[self.step_name].digest,
            config={n: getattr(run.config, n) for n in self.config},
            inputs={n: json.dumps(files, sort_keys=True) for n, files in inputs.items()},
            tools={t: identity(t) for t in self.tools},
            pdk={role: run.pdk.digests.get(role, "none") for role in self.roles},
        )

    def _publish(self, run: Run, watch: Stopwatch, *, reused: bool) -> None:
        """Show the outputs as `<build>/<step>`, all at once."""
        source = Path("outputs", self.step_name)
        with atomic_dir(run.build / self.step_name) as shown:
            shutil.copytree(source, shown, copy_function=_link, dirs_exist_ok=True)
        Path("timing.json").write_text(json.dumps({**watch.read(), "reused": reused}))

    def _record_failure(self, error: Exception, watch: Stopwatch) -> str:
        if isinstance(error, FlowError):
            told = {"what": error.what, "where": error.where, "hint": error.hint, "code": int(error.code)}
        else:
            traceback.print_exception(error)  # SiliconCompiler keeps it in the node's log
            told = {
                "what": f"internal error: {type(error).__name__}: {error}",
                "where": self.step_name,
                "hint": f"Details: {Path.cwd() / (self.step_name + '.log')}",
                "code": CRASHED,
            }
        Path(FAILURE).write_text(json.dumps({**told, **watch.read()}))
        return str(told["what"])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
