"""Time that a step and its tools take."""

import subprocess
import sys

from flow.stopwatch import Stopwatch

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_processor_time_of_a_tool_counts():
    watch = Stopwatch()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    took = watch.read()
    assert took["cpu"] >= 0.3
    assert took["seconds"] >= 0.3


def test_waiting_takes_no_processor_time():
    watch = Stopwatch()
    subprocess.run(["sleep", "0.5"], check=True)
    took = watch.read()
    assert took["seconds"] >= 0.5
    assert took["cpu"] < 0.4
