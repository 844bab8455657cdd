"""Whether a bank's bit lines have time to charge, and whether they begin to fall as late as STA thinks.

Liberty cannot say either. Bit lines charge while PRE_N and all word lines are low: in a cycle, from when the
last of them falls until the first rises. A bit line falls when PRE_N and a word line are high; liberty times
it from the word line alone, so a PRE_N that rises after it has to be taken off the slack.
"""

__all__ = ["Precharge", "precharges"]

from dataclasses import dataclass

from signoff.timing.report import StaReport


@dataclass(frozen=True)
class Precharge:
    """One bank in one corner, ns.

    Attributes:
        pulse: Time to charge, without the clock's jitter, and by `needed` what it takes.
        lead: From PRE_N's rise to the first word line's, in the worst case; negative when PRE_N is later.
        overlap: From PRE_N's fall to the last word line's: both pull at a bit line.
        slack: Of setup, of what begins at the bank.
    """

    bank: str
    pulse: float
    needed: float
    lead: float
    overlap: float
    slack: float

    def faults(self) -> list[str]:
        """What is wrong."""
        out = []
        if self.pulse < self.needed:
            out.append(f"{self.bank} charges for {self.pulse:.3f} ns, needs {self.needed:g} ns")
        if self.lead < 0 and self.slack + self.lead < 0:
            late = f"PRE_N of {self.bank} rises {-self.lead:.3f} ns after a word line"
            out.append(f"{late}, and slack is {self.slack:.3f} ns")
        return out


def precharges(report: StaReport, control: str, needed: float, jitter: float) -> list[Precharge]:
    """Every bank of a report.

    Args:
        report: Of a corner.
        control: The precharge pin; every other pin with moves is a word line.
        needed: Shortest precharge, ns.
        jitter: Of the clock, ns.
    """
    out = []
    for bank, slack in sorted(report.banks.items()):
        pre = report.moves[bank, control]
        words = [m for (b, pin), m in report.moves.items() if b == bank and pin != control]
        begin = max(pre.fall[1], *(w.fall[1] for w in words))
        end = min(pre.rise[0], *(w.rise[0] for w in words))
        lead = min(w.rise[1] for w in words) - pre.rise[1]
        overlap = max(w.fall[1] for w in words) - pre.fall[0]
        out.append(Precharge(bank, end - begin - jitter, needed, lead, overlap, slack))
    return out
