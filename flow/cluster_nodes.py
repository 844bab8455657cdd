"""Dask's scheduler and worker without their HTTP servers, which start whatever the settings say."""

__all__ = ["ClosedScheduler", "ClosedWorker"]

from typing import Any

from distributed import Scheduler, Worker
from distributed.http.routing import RoutingApplication


def _no_http(self: Any, routes: Any, *_: Any, **__: Any) -> None:
    """Keep the routes and open no port."""
    self.http_application = RoutingApplication(routes)
    self.http_server = None


class ClosedScheduler(Scheduler):
    """A scheduler that listens for its workers and client alone."""

    start_http_server = _no_http


class ClosedWorker(Worker):
    """A worker that listens for its scheduler and its like alone."""

    start_http_server = _no_http
