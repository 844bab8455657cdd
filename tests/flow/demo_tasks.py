"""A small graph for the tests of the machinery: a -> b -> check, c beside them, end after all.

Environment variables steer what a step does without being part of its key.
"""

import importlib
import logging
import os
import time
from logging.handlers import QueueHandler
from pathlib import Path

from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import ExitCode, FlowError
from signoff.result import CheckResult


def _act(job: Job, name: str) -> None:
    told = dict(os.environ)
    log = Path(told["DEMO_LOG"])
    with log.open("a") as f:
        f.write(f"{name} start {os.getpid()}\n")
    time.sleep(float(told.get(f"DEMO_SLEEP_{name}", "0")))
    how = told.get(f"DEMO_{name}", "")
    if how == "error":
        raise FlowError("the demo fails", where=name, hint="Unset it.", code=ExitCode.TOOL_FAILED)
    if how == "outside":
        importlib.import_module("signoff.antenna")
    if how == "crash":
        raise ZeroDivisionError("demo")
    if how == "die":
        os.kill(os.getpid(), 9)
    if how == "die logging":
        handlers = (reference() for reference in logging._handlerList)
        (log_queue,) = (h.queue for h in handlers if isinstance(h, QueueHandler))
        log_queue._wlock.acquire()
        os.kill(os.getpid(), 9)
    if how == "full":
        raise OSError(28, "No space left on device")
    with log.open("a") as f:
        f.write(f"{name} end\n")


class ATask(StepTask):
    step_name = "a"
    config = ("prompt",)

    def work(self, job: Job) -> Result:
        _act(job, "a")
        (job.out / "deep").mkdir()
        (job.out / "deep" / "a.txt").write_text(job.config.prompt)
        return Result(metrics={"a_um2": 1.5}, note="made a")


class BTask(StepTask):
    step_name = "b"
    needs = ("a",)

    def work(self, job: Job) -> Result:
        _act(job, "b")
        # Its output does not depend on the whole of its input.
        (job.out / "b.txt").write_text((job.inputs["a"] / "deep" / "a.txt").read_text()[:1])
        return Result()


class CheckTask(StepTask):
    step_name = "check"
    needs = ("b",)
    config = ("words",)
    is_check = True

    def work(self, job: Job) -> Result:
        _act(job, "check")
        job.say("tok tok")
        (job.scratch / "tool.log").write_text("ran\n")
        how = dict(os.environ).get("DEMO_CHECK", "pass")
        row = CheckResult("check", "demo", "1.0", int(how == "fail"), 0, how, "why" if how != "pass" else "")
        return Result([row], text=["hello"], tokens_equal=how == "pass")


class CTask(StepTask):
    step_name = "c"

    def work(self, job: Job) -> Result:
        _act(job, "c")
        (job.out / "c.txt").write_text("c")
        return Result()


class EndTask(StepTask):
    step_name = "end"
    needs = ("check", "c")
    cached = False

    def work(self, job: Job) -> Result:
        _act(job, "end")
        return Result(note="all there")


STEPS = (ATask, BTask, CheckTask, CTask, EndTask)
