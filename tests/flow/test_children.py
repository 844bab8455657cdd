"""Messages of nodes that are killed while they log."""

import logging
import multiprocessing
import os
import signal
from logging.handlers import QueueHandler
from threading import Thread

import pytest
from siliconcompiler.scheduler import taskscheduler

from flow import children
from flow.children import NodeListener

FORK = multiprocessing.get_context("fork")


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


@pytest.fixture
def listening():
    queue, kept = FORK.Queue(), Kept()
    listener = NodeListener(queue, kept)
    listener.start()
    yield queue, kept, listener
    queue.cancel_join_thread()
    queue.close()


def node(queue, does):
    """A process that logs, does something and ends; its exit status, None while it runs."""

    def work():
        logger = logging.getLogger("node")
        logger.addHandler(QueueHandler(queue))
        logger.error("begun")
        does()

    process = FORK.Process(target=work)
    process.start()
    process.join(timeout=20)
    if (status := process.exitcode) is None:
        process.kill()
    return status


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def stopped(listener) -> bool:
    thread = Thread(target=listener.stop, daemon=True)
    thread.start()
    thread.join(timeout=20)
    return not thread.is_alive()


def test_a_node_killed_as_it_sends_a_message_holds_up_neither_others_nor_the_end(listening):
    queue, kept, listener = listening

    def sends():
        queue._wlock.acquire()
        killed()

    assert node(queue, sends) == -signal.SIGKILL
    kept.said.clear()
    assert node(queue, lambda: None) == 0
    assert stopped(listener)
    assert kept.said == ["begun"]


@pytest.mark.parametrize("length", [6, 1000])
def test_a_message_that_was_cut_off_is_not_waited_for(listening, monkeypatch, length):
    """Of its 1,000 bytes the next message fills in some; of 6 it makes something that is no message."""
    queue, _, listener = listening
    monkeypatch.setattr(children, "DRAIN_S", 0.3)

    def sends():
        os.write(queue._writer.fileno(), length.to_bytes(4, "big") + b"cut")
        killed()

    assert node(queue, sends) == -signal.SIGKILL
    more_than_a_pipe_holds = "." * (1 << 18)
    assert node(queue, lambda: logging.getLogger("node").error(more_than_a_pipe_holds)) == 0
    assert stopped(listener)


def test_the_last_messages_are_taken_before_the_end(listening):
    queue, kept, listener = listening
    assert node(queue, lambda: [logging.getLogger("node").error("%d", n) for n in range(500)]) == 0
    assert stopped(listener)
    assert kept.said == ["begun", *map(str, range(500))]


def test_siliconcompiler_uses_it():
    assert taskscheduler.QueueListener is NodeListener
