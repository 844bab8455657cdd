"""Proof that a mapped netlist does what its RTL does: register by register, by ABC."""

__all__ = ["GATE", "Pair", "Proof", "match", "multiplier_holds", "plant", "prove", "read_pair"]

from base_chip.synth.proof.faults import GATE, plant
from base_chip.synth.proof.match import match
from base_chip.synth.proof.multiplier import multiplier_holds
from base_chip.synth.proof.prove import Proof, prove
from base_chip.synth.proof.read import Pair, read_pair
