"""Dask: processes of this machine, or a cluster that is there already; tasks outlive their workers.

Whoever can connect to a scheduler or worker can let it run any function. Those that are started here take
only connections with a certificate that is made for them and is nowhere on disk, and have no HTTP server.
"""

__all__ = ["MEMORY", "Task", "connected", "run_all"]

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rtl_gen.errors import ExitCode, FlowError

MEMORY = 1_500_000_000  # bytes a worker may take before it is ended
ANSWER = 10  # seconds for a scheduler to answer
WORKERS = 30  # seconds for a scheduler to have a worker
RETRIES = 3
Task = Callable[[Any], dict[str, Any]]


@contextlib.contextmanager
def connected(scheduler: str, workers: int, scratch: Path) -> Iterator[Any]:
    """Yield a `distributed.Client`.

    Args:
        scheduler: Address of a running scheduler (tls://host:port or tcp://...), whose workers see the same
            files under the same paths; empty for processes of this machine.
        workers: Processes to start, without a scheduler.
        scratch: Folder for what workers spill.

    Raises:
        FlowError: The scheduler does not answer or has no worker (TOOL_FAILED), or the address is none
            (USAGE).
    """
    from distributed import Client

    # Workers that are ended with the cluster complain at length; what matters is in results.
    for name in ("distributed", "distributed.worker", "distributed.nanny", "distributed.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if not scheduler:
            yield stack.enter_context(Client(stack.enter_context(_own_cluster(workers, scratch))))
            return
        try:
            client = stack.enter_context(Client(scheduler, timeout=ANSWER))
            client.wait_for_workers(1, timeout=WORKERS)
        except (ValueError, TypeError) as e:
            raise FlowError(
                f"not a scheduler's address, or no certificates for it ({e})", where=scheduler,
                code=ExitCode.USAGE,
                hint="Give it as tls://host:port, with distributed.comm.tls in Dask's configuration, or as"
                " tcp://host:port.",
            ) from e  # fmt: skip
        except (OSError, TimeoutError) as e:
            raise FlowError(
                f"the scheduler does not answer, or has no worker ({str(e) or type(e).__name__})",
                where=scheduler,
                hint="Start it with `dask scheduler` and `dask worker`, or leave --scheduler out to use this"
                " machine. Finished dies are kept.",
                code=ExitCode.TOOL_FAILED,
            ) from e
        yield client


def _own_cluster(workers: int, scratch: Path) -> Any:
    from distributed import Nanny, SpecCluster
    from distributed.security import Security

    from flow.cluster_nodes import ClosedScheduler, ClosedWorker

    security = Security.temporary()
    common = {"host": "127.0.0.1", "protocol": "tls", "security": security, "dashboard": False}
    worker = {
        "cls": Nanny,
        "options": {
            **common,
            "worker_class": ClosedWorker,
            "nthreads": 1,
            "memory_limit": MEMORY,
            "local_directory": str(scratch),
            "silence_logs": logging.CRITICAL,
        },
    }
    return SpecCluster(
        workers=dict.fromkeys(range(workers), worker),
        scheduler={"cls": ClosedScheduler, "options": common},
        security=security,
        silence_logs=logging.CRITICAL,
    )


def run_all(
    client: Any, task: Task, jobs: Sequence[Any], key: Callable[[Any], str]
) -> Iterator[dict[str, Any]]:
    """Run a task for each job and yield results as they come.

    A task whose worker was killed, or that raised, is tried again on another worker. What a task reports
    under `error` is a FlowError; it is raised when all other jobs have ended.

    Raises:
        FlowError: A job failed for good; the results of all others have been yielded by then.
    """
    from distributed import as_completed

    futures = {client.submit(task, j, key=key(j), pure=False, retries=RETRIES): j for j in jobs}
    failed: list[FlowError] = []
    for future in as_completed(list(futures)):
        try:
            # If a worker is killed with the result still in it, the task is done again: this waits.
            result = future.result()
        except Exception as error:
            failed.append(_lost(key(futures[future]), error))
            continue
        if told := result.get("error"):
            code = ExitCode(told["code"])
            failed.append(FlowError(told["what"], where=told["where"], hint=told["hint"], code=code))
        else:
            yield result
    if failed:
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        first = failed[0]
        raise FlowError(first.what + more, where=first.where, hint=first.hint, code=first.code)


def _lost(name: str, error: BaseException) -> FlowError:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return FlowError(
            "its workers were ended, one after the other, as when one takes more memory than it may",
            where=name,
            hint=f"A worker that a build starts may take {MEMORY >> 20} MiB: start fewer (--jobs), or give"
            " those of your own scheduler more. Finished dies are kept.",
            code=ExitCode.TOOL_FAILED,
        )
    return FlowError(
        f"failed {RETRIES + 1} times: {type(error).__name__}: {error}",
        where=name,
        hint="Run the same command again; finished dies are kept.",
        code=ExitCode.TOOL_FAILED,
    )
