"""A compiled program of Icarus without what decides no event; and with flops that begin with other values."""

__all__ = ["lean", "with_flops"]

import re
from collections import Counter
from collections.abc import Collection, Mapping

from rtl_gen.errors import FlowError

# In front of every delay stands a buffer, which hands on at once what it gets.
_BUFFER = re.compile(rb"^(\w+/d) \.functor BUFZ 1, (\S+), C4<0>, C4<0>, C4<0>;\n", re.M)
_DELAYED = re.compile(rb"^(\w+ \.delay 1 \(\d+,\d+,\d+\)) (\w+/d);$", re.M)
# A net stops what comes a second time. Behind these nothing does, and takers stop it themselves.
_CHANGING = re.compile(rb"^(\w+) \.(?:delay|udp) ", re.M)
_NET = re.compile(rb'^ *(v\w+) \.net "([^"\n]+)", 0 0, (\w+);.*\n', re.M)
_KIND = re.compile(rb"^UDP_\w+ \.udp/[^;]*;\n", re.M)
_FLOP = re.compile(rb"^(\w+) \.udp UDP_scf_flop[01],", re.M)
_VARIABLE = re.compile(rb"\bv0x\w+")
_POINTER = re.compile(rb"(?<=0x)[0-9a-f]{7,}")


def lean(program: bytes, watched: Collection[str]) -> bytes:
    """Take out buffers in front of delays, and nets that nobody looks at; number the labels.

    Icarus makes labels of pointers, which are others in each run.

    Args:
        program: As `iverilog` writes it.
        watched: Nets of one bit that VPI finds by their names. Those that a statement reads stay, too.
    """
    sources: dict[bytes, bytes] = dict(_BUFFER.findall(program))
    alone = {label for _, label in _DELAYED.findall(program)} & sources.keys()
    program = _BUFFER.sub(lambda m: b"" if m[1] in alone else m[0], program)
    program = _DELAYED.sub(lambda m: m[1] + b" " + sources.get(m[2], m[2]) + b";", program)
    changing, names = set(_CHANGING.findall(program)), {name.encode() for name in watched}
    named = Counter(_VARIABLE.findall(program))

    def kept(net: re.Match[bytes]) -> bytes:
        return b"" if net[3] in changing and net[2] not in names and named[net[1]] == 1 else net[0]

    program = _NET.sub(kept, program)
    # A kind of primitive stands before all that are of it, of whatever kind `with_flops` makes them.
    head, scope, rest = program.partition(b"\nS_")
    if scope:
        program = b"".join([head, b"\n", *_KIND.findall(rest), scope[1:], _KIND.sub(b"", rest)])
    numbers: dict[bytes, bytes] = {}
    return _POINTER.sub(lambda m: numbers.setdefault(m[0], b"%x" % len(numbers)), program)


def with_flops(program: bytes, nets: Mapping[str, str], values: Mapping[str, str]) -> bytes:
    """The program with flops that begin with other values.

    Args:
        program: What `lean` returned; the nets were among `watched`.
        nets: By flop the net that is its state.
        values: By flop 0 or 1.

    Raises:
        FlowError: A flop of the program has no value, or one that has is not in it.
    """
    labels = {net: label for _, net, label in _NET.findall(program)}
    begin = {labels.get(net.encode()): values.get(flop) for flop, net in nets.items()}
    found = set(_FLOP.findall(program))
    if nets.keys() != values.keys() or found != begin.keys():
        raise FlowError(
            "flops of the program and those that begin with a value differ", where="timed simulation"
        )
    return _FLOP.sub(lambda m: b"%b .udp UDP_scf_flop%b," % (m[1], f"{begin[m[1]]}".encode()), program)
