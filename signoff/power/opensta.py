"""What OpenSTA, as it is in OpenROAD, says that each cell takes, with the activity of a simulation.

The OpenSTA of Debian is of 2019: it spreads the activity of inputs over all that a simulation told, and ends
with a segmentation fault at clock gates.
"""

__all__ = ["Nets", "powers"]

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signoff.eda import OPENROAD
from signoff.netlist import CONSTANTS, Instance, Netlist
from signoff.power.energy import Parts

TIMEOUT_S = 600
_TOP = "flat"
_OHM = 0.001  # from a driver to each pin: any, as a wire here is but a capacitance
_SPEF = """*SPEF "IEEE 1481-1998"
*DESIGN "flat"
*DATE ""
*VENDOR ""
*PROGRAM ""
*VERSION ""
*DESIGN_FLOW "PIN_CAP NONE"
*DIVIDER /
*DELIMITER :
*BUS_DELIMITER [ ]
*T_UNIT 1 NS
*C_UNIT 1 PF
*R_UNIT 1 OHM
*L_UNIT 1 HENRY
"""
_TCL = """
create_clock -name any -period {period}
read_spef flat.spef
source activity.tcl
set out [open power.txt w]
foreach cell [get_cells *] {{
  puts $out "[get_full_name $cell] [sta::instance_power $cell [sta::cmd_scene]]"
}}
close $out
"""


@dataclass(frozen=True)
class Nets:
    """What nets do.

    Attributes:
        wires: Capacitance, F.
        rises: In a cycle.
        high: Share of the time in which a net is 1.
        told: Rises in a cycle of a pin that is told another number than its net, by instance and pin.
    """

    wires: Mapping[str, float]
    rises: Mapping[str, float]
    high: Mapping[str, float]
    told: Mapping[tuple[str, str], float]


def powers(
    netlist: Netlist,
    outputs: Mapping[str, Collection[str]],
    nets: Nets,
    period: float,
    liberties: Sequence[Path],
    lefs: Sequence[Path],
    folder: Path,
) -> dict[str, Parts]:
    """Power of each instance, W.

    Names are exchanged for plain ones, so that none means something to a tool.

    Args:
        netlist: Flat; nets that nothing drives become ports.
        outputs: Pins of each cell that drive a net.
        nets: What they do.
        period: Of the clock, s.
        liberties: Of cells and macros, in one corner.
        lefs: OpenROAD takes no cell without one; the first is that of the process.
        folder: For all files, which is there.

    Raises:
        FlowError: OpenROAD is missing or failed, or told of no power.
    """
    plain = _Plain(netlist, outputs)
    (folder / "flat.v").write_text(plain.verilog())
    (folder / "flat.spef").write_text(plain.spef(nets.wires))
    (folder / "activity.tcl").write_text(plain.activity(nets))
    files = {f"{n}.lef": path for n, path in enumerate(lefs)} | {
        f"{n}.lib": path for n, path in enumerate(liberties)
    }
    reads = [f"read_{'lef' if name.endswith('lef') else 'liberty'} {name}" for name in files]
    link = ["read_verilog flat.v", f"link_design {_TOP}"]
    text = "\n".join([*reads, *link, _TCL.format(period=1e9 * period)])
    (folder / "power.tcl").write_text(text)
    run = OPENROAD.run(
        ["-no_splash", "-no_init", "-threads", "1", "-exit", "power.tcl"], folder, TIMEOUT_S, files=files
    )
    if run.fault:
        raise OPENROAD.failed(run.fault, folder)
    return _read((folder / "power.txt").read_text(), list(netlist.instances))


def _read(text: str, names: Sequence[str]) -> dict[str, Parts]:
    found = {}
    for line in text.splitlines():
        name, inside, switching, leakage, _ = line.split()
        found[names[int(name[1:])]] = Parts(float(switching), float(inside), float(leakage))
    return found


class _Plain:
    """A netlist with the names i<n> of instances and n<n> of nets."""

    def __init__(self, netlist: Netlist, outputs: Mapping[str, Collection[str]]) -> None:
        self.instances = list(netlist.instances.values())
        self.nets: dict[str, str] = {}
        self.pins: dict[str, list[str]] = {}  # of each net, such as i3/q[0]
        self.drivers: dict[str, str] = {}
        self.real: dict[str, tuple[str, str]] = {}  # instance and pin, by plain name
        for number, of in enumerate(self.instances):
            for pin, net, name in _pins(of, number):
                self.nets.setdefault(net, f"n{len(self.nets)}")
                self.pins.setdefault(net, []).append(name)
                self.real[name] = of.name, pin
                if pin in outputs.get(of.cell, ()):
                    self.drivers[net] = name

    def verilog(self) -> str:
        ports = [plain for net, plain in self.nets.items() if net not in self.drivers]
        wires = [plain for net, plain in self.nets.items() if net in self.drivers]
        lines = [f"module {_TOP} ({', '.join(ports)});"]
        lines += [f"  input {port};" for port in ports] + [f"  wire {wire};" for wire in wires]
        for number, of in enumerate(self.instances):
            pins = ", ".join(
                f".{pin}({self._on(nets, f'open_{number}_{pin}')})"
                for pin, nets in of.pins.items()
                if nets != ("",)
            )
            lines.append(f"  {of.cell} i{number} ({pins});")
        return "\n".join([*lines, "endmodule", ""])

    def _on(self, nets: Sequence[str], nowhere: str) -> str:
        bits = []
        for number, net in enumerate(nets):
            constant = f"1'b{int(net == '1')}" if net in CONSTANTS else f"{nowhere}_{number}"
            bits.append(self.nets.get(net, constant))
        return bits[0] if len(bits) == 1 else f"{{{', '.join(bits)}}}"

    def spef(self, wires: Mapping[str, float]) -> str:
        parts = [_SPEF]
        for net, plain in self.nets.items():
            driver = self.drivers.get(net)
            begin = plain if driver is None else driver.replace("/", ":")
            ends = [pin.replace("/", ":") for pin in self.pins[net] if pin != driver]
            pf = 1e12 * wires.get(net, 0.0)
            parts += [
                f"*D_NET {plain} {pf:.6g}\n*CONN\n",
                f"*P {plain} I\n" if driver is None else f"*I {begin} O\n",
                *(f"*I {end} I\n" for end in ends),
                f"*CAP\n1 {begin} {pf:.6g}\n*RES\n",
                *(f"{n} {begin} {end} {_OHM}\n" for n, end in enumerate(ends, 1)),
                "*END\n",
            ]  # fmt: skip
        return "".join(parts)

    def activity(self, nets: Nets) -> str:
        lines = []
        for net, pins in self.pins.items():
            for name in pins:
                rises = nets.told.get(self.real[name], nets.rises.get(net, 0.0))
                pin = name.replace("[", r"\[").replace("]", r"\]")
                told = f"-activity {2 * rises:.7g} -duty {nets.high.get(net, 0.0):.7g}"
                lines.append(f"set_power_activity -pins {pin} {told}")
        return "\n".join([*lines, ""])


def _pins(of: Instance, number: int) -> list[tuple[str, str, str]]:
    """Pin, net and plain name of each pin that is on a net; those of a bus bit by bit."""
    found = []
    for pin, nets in of.pins.items():
        for n, net in enumerate(reversed(nets)):
            if net and net not in CONSTANTS:
                found.append((pin, net, f"i{number}/{pin}" + (f"[{n}]" if len(nets) > 1 else "")))
    return found
