"""Steps of a build on dies of a planned base."""

__all__ = ["PLANNED_STEPS"]

from flow.tasks.planned.dies import DiesTask
from flow.tasks.planned.layouts import (
    BankDrcKlayoutTask,
    BankDrcMagicTask,
    BankLvsTask,
    SampleTask,
)
from flow.tasks.planned.plan import PlanTask
from flow.tasks.planned.readback import DieReadbackTask

PLANNED_STEPS = (
    PlanTask,
    DiesTask,
    DieReadbackTask,
    SampleTask,
    BankDrcKlayoutTask,
    BankDrcMagicTask,
    BankLvsTask,
)
