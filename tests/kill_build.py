"""Kills a build again and again: what outlives it, and whether its results are those of one left alone.

    python -m tests.kill_build --kills 20 --most 15 --to gatesim --to readback -- --model words

Each kill is a SIGKILL of `sc-flow build` at a random moment, in a cache and a folder of its own.
"""

__all__ = ["below", "kill_often", "products"]

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import psutil

from flow.files import cache_root
from flow.keys import folder_files
from flow.tasks.step import RESULT

TAG = "KILLED_BUILD"  # not of the project's own variables, which no tool of a step gets to see
ENDING_S = 20


def below(tag: str) -> list[psutil.Process]:
    """Living processes that carry a mark in their environment."""
    found = []
    for p in psutil.process_iter():
        try:
            if p.environ().get(TAG) == tag and p.status() != psutil.STATUS_ZOMBIE:
                found.append(p)
        except psutil.Error:
            continue
    return found


def kill_often(
    command: Sequence[str], env: dict[str, str], moments: Sequence[float]
) -> tuple[int, list[str], list[str]]:
    """Start a command and kill its first process after so many seconds, once a moment.

    Returns:
        How often it was alive to be killed, the names of all processes that ran below it at those moments,
        and of those that outlived it.
    """
    killed, ran, left = 0, set[str](), []
    for moment in moments:
        tag = uuid.uuid4().hex
        process = subprocess.Popen(
            command, env=env | {TAG: tag}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moment)
        alive = process.poll() is None
        ran |= {p.name() for p in below(tag) if psutil.pid_exists(p.pid)} if alive else set()
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += alive
        end = time.monotonic() + ENDING_S
        while (still := below(tag)) and time.monotonic() < end:
            time.sleep(0.05)
        left += [p.name() for p in still]
        for p in still:
            p.kill()
    return killed, sorted(ran), left


def products(build: Path) -> dict[str, str]:
    """SHA-256 of all outputs of a build's steps, without records and logs of tools, which hold times."""
    files = {}
    for folder in sorted(p for p in build.iterdir() if p.is_dir() and (p / RESULT).exists()):
        files |= {
            f"{folder.name}/{n}": d
            for n, d in folder_files(folder).items()
            if n != RESULT and not n.endswith(".log")
        }
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--most", type=float, default=15, help="s after the start, at the latest")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--to", action="append", default=[], help="steps to compare, with all they need; all by default"
    )
    parser.add_argument("build", nargs="+", help="arguments of sc-flow build")
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    sc_flow = [str(Path(sys.executable).parent / "sc-flow"), "build", *asked.build]
    with tempfile.TemporaryDirectory() as temp:
        results = []
        for name in ("alone", "killed"):
            cache, out = Path(temp, name, "cache"), Path(temp, name, "out")
            shutil.copytree(cache_root() / "pdk", cache / "pdk")
            env = os.environ | {"SCF_CACHE": str(cache)}
            if name == "killed":
                moments = [draw.uniform(0.5, asked.most) for _ in range(asked.kills)]
                killed, ran, left = kill_often([*sc_flow, "--out", str(out)], env, moments)
                print(f"killed {killed} times, among what ran: {', '.join(ran)}")
                print(f"outlived it: {', '.join(left) or 'nothing'}")
            for only in [["--to", step] for step in asked.to] or [[]]:
                done = subprocess.run([*sc_flow, *only, "--out", str(out)], env=env, check=False)
                if done.returncode:
                    return done.returncode
            results.append(products(next(p.parent for p in out.glob("*/.run.json"))))
        alone, again = results
        steps = {n.partition("/")[0] for n in alone}
        again = {n: d for n, d in again.items() if n.partition("/")[0] in steps}
        differ = sorted(n for n in {*alone, *again} if alone.get(n) != again.get(n))
        print(f"{len(alone)} files of {len(steps)} steps, differ: {differ}")
    return int(bool(differ or left))


if __name__ == "__main__":
    sys.exit(main())
