"""Verilog with a ROM's periphery is written by the pinned Yosys, from any number of threads."""

import os
from concurrent.futures import ThreadPoolExecutor

from rtl_gen.golden.rom import RomGeometry
from rtl_gen.sampled_rom import sampled_rom_verilog


def test_threads_write_the_same_text_and_leave_the_environment_alone(monkeypatch):
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    rom = RomGeometry(banks=1, word_lines=16, mux=2, bits=4)
    with ThreadPoolExecutor(4) as threads:
        texts = set(threads.map(lambda _: sampled_rom_verilog(rom), range(8)))
    assert len(texts) == 1
    assert os.environ["AMARANTH_USE_YOSYS"] == "system"
