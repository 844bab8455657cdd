"""What a step runs: the modules of this project that its code imports, found in their text.

A module's imports are followed wherever they stand: at its top, inside functions, in the `__init__` of its
packages. Package data count by the calls that find them: `files("package")`, `files(__name__)` and
`Path(__file__)`. Nothing is imported to find this out.
"""

__all__ = ["LOCATIONS", "PROJECT", "ROOT", "Closure", "Sources"]

import ast
import functools
import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flow
from rtl_gen.errors import FlowError

PROJECT = ("base_chip", "flow", "metal_configs", "rtl_gen", "signoff")
ROOT = Path(flow.__path__[0]).parent
LOCATIONS = frozenset(("SCF_CACHE", "XDG_CACHE_HOME"))  # variables that say where things are kept


@dataclass(frozen=True)
class Closure:
    """What the code of a step consists of.

    Attributes:
        modules: Names of the modules of this project, packages on the way included.
        files: SHA-256 of each module's text and of each data file, by its path.
        libraries: Version of each distribution that they import, of Python, and of the kind of machine.
        environment: Value of each environment variable that they read; empty when it is not set.
    """

    modules: Sequence[str]
    files: Mapping[str, str]
    libraries: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all of it; where the project lies does not count."""
        lines = [f"file {name} {digest}" for name, digest in sorted(self.files.items())]
        lines += [f"library {name} {version}" for name, version in sorted(self.libraries.items())]
        lines += [f"variable {name} {value!r}" for name, value in sorted(self.environment.items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class _Facts:
    """What the text of one module says.

    Attributes:
        imports: Dotted names; the last part may be a module, or a name in one.
        data: Packages whose data files it opens.
        distributions: Those that it asks for their version, such as of what it runs in another process.
        variables: Environment variables that it reads.
    """

    imports: frozenset[str]
    data: frozenset[str]
    distributions: frozenset[str]
    variables: frozenset[str]


class Sources:
    """The text of the project, and what follows from it; each file is read once."""

    def __init__(self, root: Path = ROOT) -> None:
        """`root` is the folder that holds the packages of `PROJECT`."""
        self._root = root
        self._read: dict[str, tuple[bytes, str]] = {}
        self._module = functools.cache(self._find)
        self._data = functools.cache(self._listed)

    def of_classes(self, classes: Mapping[str, type]) -> dict[str, Closure]:
        """The closure of each class, by the name that is given with it.

        A class may be of a module outside of this project, whose base is of it.
        """
        out = {}
        for key, cls in classes.items():
            modules = [c.__module__ for c in cls.__mro__]
            first = next(n for n, m in enumerate(modules) if m.partition(".")[0] in PROJECT)
            beside = {m: path for m in modules[:first] if (path := _beside(m))}
            out[key] = self.closure(modules[first], extra=beside)
        return out

    def closure(self, *names: str, extra: Mapping[str, Path] | None = None) -> Closure:
        """All that modules run.

        Args:
            names: Modules of this project.
            extra: Files of modules that lie elsewhere, by name, such as steps of somebody else's graph.

        Raises:
            FlowError: A module is missing, or reads what its text does not name.
        """
        beside = dict(extra or {})
        todo, modules = [*names, *beside], set()
        data: set[str] = set()
        variables: set[str] = set()
        libraries: set[str] = set()
        distributions: set[str] = set()
        files: dict[str, str] = {}
        while todo:
            name = todo.pop()
            if name in modules:
                continue
            path = beside.get(name) or self._module(name)
            if path is None:
                raise FlowError(f"there is no module {name}", where=str(self._root))
            modules.add(name)
            if (package := name.rpartition(".")[0]) and name not in beside:
                todo.append(package)
            shown = name if name in beside else path.relative_to(self._root).as_posix()
            text, files[shown] = self._content(path)
            home = name if path.name == "__init__.py" else package
            facts = _facts(text, name, home, str(path))
            data |= facts.data
            todo += facts.data
            variables |= facts.variables
            distributions |= facts.distributions
            for found in facts.imports:
                if found.partition(".")[0] in PROJECT:
                    todo += self._known(found)
                else:
                    libraries.add(found.partition(".")[0])
        for package in data:
            files |= {p.relative_to(self._root).as_posix(): self._content(p)[1] for p in self._data(package)}
        versions = {name: _version(name) for name in distributions}
        versions |= _versions(libraries - sys.stdlib_module_names - set(beside))
        now = dict(os.environ)
        return Closure(sorted(modules), files, versions | _python(), {v: now.get(v, "") for v in variables})

    def changed(self, closure: Closure) -> list[str]:
        """Files of a closure and libraries that are not, or no longer, what they were when it was made."""
        files = [n for n, digest in closure.files.items() if _hash(_beside(n) or self._root / n) != digest]
        here = {n: _version(n) for n in closure.libraries if n not in ("python", "machine")} | _python()
        return files + [n for n, version in closure.libraries.items() if here[n] != version]

    def _find(self, name: str) -> Path | None:
        base = self._root.joinpath(*name.split("."))
        found = (base / "__init__.py", base.with_name(f"{base.name}.py"))
        return next((path for path in found if path.is_file()), None)

    def _known(self, name: str) -> Iterator[str]:
        """The modules that a dotted name stands for: `a.b.c` may be a module, or a name in `a.b`."""
        if self._module(name):
            yield name
        elif (parent := name.rpartition(".")[0]) and self._module(parent):
            yield parent

    def _listed(self, package: str) -> list[Path]:
        folder = self._root.joinpath(*package.split("."))
        return [p for p in sorted(folder.rglob("*")) if p.suffix not in (".py", ".pyc") and p.is_file()]

    def _content(self, path: Path) -> tuple[bytes, str]:
        key = str(path)
        if key not in self._read:
            content = path.read_bytes()
            text = content if path.suffix == ".py" else b""
            self._read[key] = text, hashlib.sha256(content).hexdigest()
        return self._read[key]


def _beside(module: str) -> Path | None:
    """The file of an imported module that is not of this project."""
    found = sys.modules.get(module)
    return Path(str(found.__file__)) if found and module.partition(".")[0] not in PROJECT else None


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@functools.lru_cache(maxsize=1024)
def _facts(text: bytes, name: str, package: str, path: str) -> _Facts:
    """What a module's text says; `package` is the one that its relative imports start from."""
    imports: set[str] = set()
    data: set[str] = set()
    variables: set[str] = set()
    distributions: set[str] = set()
    # Imports are statements; expressions are looked at only where a word says that there may be something.
    whole = any(word in text for word in (b"files(", b"__file__", b"environ", b"getenv", b".metadata"))
    for node in _run(ast.parse(text, path), (ast.AST,) if whole else STATEMENTS):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            imports.update(f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) == "files":
            data.add(_package(node, name, package, path))
        elif isinstance(node, ast.Call) and _name(node.func) == "version" and b".metadata" in text:
            distributions |= {str(a.value) for a in node.args if isinstance(a, ast.Constant)}
        elif isinstance(node, ast.Name) and node.id == "__file__":
            data.add(package)
        elif isinstance(node, ast.Call | ast.Subscript):
            variables |= _variable(node, path)
    return _Facts(frozenset(imports), frozenset(data), frozenset(distributions), frozenset(variables))


def _run(tree: ast.AST, kinds: tuple[type, ...]) -> Iterator[ast.AST]:
    """All nodes of some kinds that are reached through such, but those that only a type checker sees."""
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING":
            todo += node.orelse
            continue
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                todo += [child for child in value if isinstance(child, kinds)]
            elif isinstance(value, kinds):
                todo.append(value)


def _name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _package(call: ast.Call, name: str, package: str, path: str) -> str:
    """The package that a call of `importlib.resources.files` names."""
    told = call.args[0] if call.args else ast.Name("__package__")
    if isinstance(told, ast.Constant) and isinstance(told.value, str):
        return told.value
    if isinstance(told, ast.Name) and told.id in ("__name__", "__package__"):
        return package if told.id == "__package__" else name
    raise FlowError(
        f"files({ast.unparse(told)}) does not say whose data it opens", where=f"{path}:{call.lineno}",
        hint="Name the package, so that the keys of steps can hold its data.",
    )  # fmt: skip


def _variable(node: ast.Call | ast.Subscript, path: str) -> set[str]:
    """Name of the environment variable that is read here, if one is."""
    if isinstance(node, ast.Subscript):
        read = isinstance(node.ctx, ast.Load) and ast.unparse(node.value) == "os.environ"
        key: ast.expr = node.slice
    else:
        read = ast.unparse(node.func) in ("os.environ.get", "os.getenv")
        key = node.args[0] if node.args else node
    if not read:
        return set()
    if isinstance(key, ast.Constant):
        return {str(key.value)} - LOCATIONS
    raise FlowError(
        f"{ast.unparse(node)} does not say which variable it reads", where=f"{path}:{node.lineno}",
        hint="Name it, so that the keys of steps can hold it.",
    )  # fmt: skip


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Version of the distributions that top-level packages come from, by distribution."""
    names = {d for package in packages for d in _distributions().get(package, [package])}
    return {name: _version(name) for name in names}


@functools.cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _python() -> dict[str, str]:
    """What else computes: the interpreter, and the kind of machine, whose arithmetic may round otherwise."""
    version = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": version, "machine": f"{sys.platform} {platform.machine()}"}
