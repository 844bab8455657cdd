"""Holds a step to its key: what that does not cover cannot be imported, opened or run while it works."""

__all__ = ["Settings", "confined"]

import contextlib
import importlib.abc
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from flow.closure import LOCATIONS, PROJECT, ROOT, Closure
from flow.request import PATHS, BuildConfig
from rtl_gen.errors import FlowError
from rtl_gen.tools import TOOLS

OWN = "SCF_"  # begins the names of the variables of this project


@contextlib.contextmanager
def confined(
    closure: Closure,
    step: str,
    *,
    tools: Collection[str] = (),
    also: Collection[Path] = (),
    root: Path = ROOT,
) -> Iterator[None]:
    """Work with the modules and data of a closure alone.

    A step is a fork of a process that has imported more. What does not belong to the closure is hidden while
    the step works, so that importing it is noticed. Variables of the environment that are of this project
    and not of the closure are hidden, too.

    Args:
        closure: What the key covers.
        step: Its name, for the message.
        tools: Those of rtl_gen.tools that the key covers.
        also: Folders or files of the project that the key covers in another way: a model that ships.
        root: Folder of the project.

    Raises:
        FlowError: At the import, or where the file is opened or the tool started; it names both and the step.
    """
    guard = _Guard(closure, step, tools, root, also)
    hidden = {name: m for name, m in sys.modules.items() if guard.refuses(name)}
    for name, module in hidden.items():
        del sys.modules[name]
        _set(name, None, module)
    of_closure = {*closure.environment, *LOCATIONS}
    variables = {v: os.environ.pop(v) for v in list(os.environ) if v.startswith(OWN) and v not in of_closure}
    sys.meta_path.insert(0, guard)
    _watched.append(guard)
    _watch()
    try:
        yield
    finally:
        _watched.remove(guard)
        sys.meta_path.remove(guard)
        os.environ.update(variables)
        sys.modules.update(hidden)
        for name, module in hidden.items():
            _set(name, module, None)


def _set(name: str, module: ModuleType | None, was: ModuleType | None) -> None:
    """Let a module be an attribute of its package, or no longer: `from package import module` looks there."""
    package, _, last = name.rpartition(".")
    parent = sys.modules.get(package)
    if parent is None or getattr(parent, last, None) is not was:
        return
    if module is None:
        delattr(parent, last)
    else:
        setattr(parent, last, module)


class Settings:
    """The settings of a build as a step sees them: those that its key holds."""

    def __init__(self, config: BuildConfig, names: Collection[str], step: str) -> None:
        # The content of a model is in the key for the place where it lies.
        names = {*names, *(path for digest, path in PATHS.items() if digest in names)}
        self.__dict__.update({n: getattr(config, n) for n in names})
        self.__step = step

    def __getattr__(self, name: str) -> NoReturn:
        raise FlowError(
            f"it reads the setting {name}, which its key does not cover", where=f"step {self.__step}",
            hint="Name it in the step's config (docs/flow.md, Adding a step).",
        )  # fmt: skip


class _Guard(importlib.abc.MetaPathFinder):
    def __init__(
        self, closure: Closure, step: str, tools: Collection[str], root: Path, also: Collection[Path]
    ) -> None:
        self._modules, self._files, self._step = frozenset(closure.modules), closure.files, step
        self._also = [os.path.abspath(path) for path in also]
        self._root = f"{os.path.abspath(root)}{os.sep}"
        told = set().union(*(TOOLS[name].programs for name in tools))
        self._others = {program: t.name for t in TOOLS.values() for program in t.programs - told}

    def refuses(self, module: str) -> bool:
        return module.partition(".")[0] in PROJECT and module not in self._modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.refuses(fullname):
            raise self._fault("imports", fullname, "Write it as an import of that name.")
        return None

    def opened(self, path: str) -> None:
        """Raise FlowError for a data file of the project that is not of the closure."""
        if not (path := os.path.abspath(path)).startswith(self._root):
            return
        name = path[len(self._root) :].replace(os.sep, "/")
        if name.partition("/")[0] not in PROJECT or name in self._files or name.endswith((".py", ".pyc")):
            return
        of_model = any(path == own or path.startswith(f"{own}{os.sep}") for own in self._also)
        if not of_model and not os.path.isdir(path):
            raise self._fault("opens", name, 'Find it with importlib.resources.files("its.package").')

    def started(self, program: str) -> None:
        """Raise FlowError for a program of a tool that the step does not name."""
        if tool := self._others.get(os.path.basename(program)):
            raise self._fault("runs", os.path.basename(program), f"Name {tool} among its tools.")

    def _fault(self, does: str, name: str, hint: str) -> FlowError:
        what = f"it {does} {name}, which its key does not cover"
        return FlowError(what, where=f"step {self._step}", hint=f"{hint} (docs/flow.md, Adding a step)")


_watched: list[_Guard] = []
_hooked = False


def _watch() -> None:
    """Have opened files and started programs looked at; a hook of Python stays as long as the process."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_heard)
        _hooked = True


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched or event not in ("open", "subprocess.Popen"):
        return
    if isinstance(arguments[0], str | bytes | os.PathLike):
        for guard in _watched:
            (guard.opened if event == "open" else guard.started)(os.fsdecode(arguments[0]))
