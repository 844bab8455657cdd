"""A reader of liberty that knows nothing of the writer: groups, attributes, and lists of numbers."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'\s+|\\\n|"(?:[^"]*)"|[{}();:,]|[^\s{}();:,"]+')


@dataclass
class Group:
    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def all(self, kind: str) -> list["Group"]:
        return [g for g in self.groups if g.kind == kind]

    def one(self, kind: str, name: str | None = None) -> "Group":
        (found,) = (g for g in self.all(kind) if name in (None, g.name))
        return found

    def grid(self, name: str) -> list[list[float]]:
        rows = re.findall(r'"([^"]*)"', self.one(name).attributes["values"])
        return [[float(v) for v in row.split(",")] for row in rows]


def read_liberty(text: str) -> Group:
    tokens = [t for t in _TOKEN.findall(text.replace("\\\n", " ")) if t.strip()]
    assert "".join(tokens) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text.replace("\\\n", " "))
    group, rest = _statement(tokens, 0)
    assert isinstance(group, Group)
    assert rest == len(tokens)
    return group


def _statement(tokens: list[str], at: int) -> tuple[Group | tuple[str, str], int]:
    name = tokens[at]
    if tokens[at + 1] == ":":
        assert tokens[at + 3] == ";", tokens[at : at + 5]
        return (name, tokens[at + 2].strip('"')), at + 4
    assert tokens[at + 1] == "(", tokens[at : at + 5]
    end = tokens.index(")", at)
    arguments = "".join(tokens[at + 2 : end])
    if tokens[end + 1] == ";":
        return (name, arguments), end + 2
    assert tokens[end + 1] == "{", tokens[end : end + 3]
    group, at = Group(name, arguments.strip('"')), end + 2
    while tokens[at] != "}":
        found, at = _statement(tokens, at)
        if isinstance(found, Group):
            group.groups.append(found)
        else:
            assert found[0] not in group.attributes or found[0] == "voltage_map"
            group.attributes[found[0]] = found[1]
    return group, at + 1
