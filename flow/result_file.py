"""`result.json`: its format, as types from which its JSON schema is made, its writer and its reader."""

__all__ = ["FORMAT", "NAME", "Check", "ResultFile", "read_result", "schema", "write_result"]

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from flow.files import atomic_write
from flow.outcome import Outcome
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

NAME = "result.json"
LARGEST = 64 << 20  # bytes
FORMAT = "sc-flow-result-3"  # goes up when a field changes its meaning or goes

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$|^$", description="SHA-256; empty when there is none")]
Seconds = Annotated[float, Meta(ge=0, description="s")]


class Step(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A step of the graph."""

    name: str
    status: Literal["done", "failed", "not run"]
    seconds: Seconds
    cpu: Annotated[float, Meta(ge=0, description="s of the processor, tools included")]
    reused: Annotated[
        bool, Meta(description="taken from an earlier run, as nothing it depends on has changed")
    ]
    note: str


class Check(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A row of the signoff table."""

    name: Annotated[str, Meta(description="a negative control has its check's name and _control after it")]
    tool: str
    version: Annotated[str, Meta(description="of the tool")]
    count: Annotated[int | None, Meta(description="faults found; null when the check did not run")]
    limit: Annotated[int | None, Meta(description="faults allowed")]
    status: Literal["pass", "fail", "waived", "not run"]
    reason: Annotated[str, Meta(description="why it failed, was waived or did not run")]
    detail: Annotated[str, Meta(description="what was checked, or the first faults with their places")]
    waived: Annotated[int, Meta(ge=0, description="faults that waivers cover, which count leaves out")]
    evidence: Annotated[list[str], Meta(description="files of the build that the row rests on")]


class ResultFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a build found."""

    format: Literal["sc-flow-result-3"]
    sc_flow: Annotated[str, Meta(description="version of sc-flow")]
    python: Annotated[str, Meta(description="version of Python")]
    model: str
    model_sha256: Sha256
    base: str
    pdk: str
    pdk_sha256: Annotated[Sha256, Meta(description="over the content of every file of the PDK")]
    steps: list[Step]
    checks: list[Check]
    evidence: Annotated[dict[str, Sha256], Meta(description="by path in the build")]
    text: Annotated[list[str], Meta(description="what the chip generated, a string per request")]
    tokens_equal: Annotated[
        bool,
        Meta(description="every token equals the golden model's; false when they were not compared"),
    ]
    metrics: Annotated[dict[str, float], Meta(description="flat; the unit is in the name")]


def write_result(build: Path, config: BuildConfig, pdk: PdkFiles, outcome: Outcome) -> None:
    """Write `<build>/result.json`, all at once: an earlier one stays until then."""
    found = ResultFile(
        format="sc-flow-result-3",
        sc_flow=version("sc-flow"),
        python=platform.python_version(),
        model=config.model,
        model_sha256=config.model_digest,
        base=config.base,
        pdk=config.pdk,
        pdk_sha256=pdk.digest,
        steps=[msgspec.convert(asdict(s), Step) for s in outcome.steps],
        checks=[msgspec.convert(asdict(c), Check) for c in outcome.checks],
        evidence=outcome.evidence,
        text=outcome.text,
        tokens_equal=outcome.tokens_equal,
        metrics={k: float(v) for k, v in sorted(outcome.metrics.items())},
    )
    atomic_write(build / NAME, (json.dumps(msgspec.to_builtins(found), indent=1) + "\n").encode())


def read_result(build: Path) -> ResultFile:
    """Read `<build>/result.json`.

    Raises:
        FlowError: It is missing, cut, of another version, or a field is not as the schema says.
    """
    path = build / NAME
    try:
        return msgspec.json.decode(read_file(path, LARGEST), type=ResultFile)
    except FlowError as e:
        raise FlowError(
            f"no result of a build there ({e.what})", where=str(path), hint="Give the folder build/<name>."
        ) from e
    except (msgspec.DecodeError, RecursionError) as e:
        raise FlowError(
            f"not a result of this version of sc-flow ({e})",
            where=str(path),
            hint=f"Edited, cut, or of another version; docs/result.schema.json says what {FORMAT} is.",
        ) from e


def schema() -> dict[str, Any]:
    """The JSON schema of `result.json`, as `docs/result.schema.json` has it."""
    return msgspec.json.schema(ResultFile)


if __name__ == "__main__":  # python -m flow.result_file > docs/result.schema.json
    print(json.dumps(schema(), indent=1))
