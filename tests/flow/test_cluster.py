"""The cluster of this machine: nobody without its certificate gets a word in, by any port."""

import contextlib
import socket
import ssl

import psutil
import pytest

from flow.cluster import connected, run_all


def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with connected("", 1, tmp_path_factory.mktemp("scratch")) as client:
        yield client


@pytest.fixture(scope="module")
def ports(client) -> list[tuple[str, int]]:
    """Where this process and those below it listen."""
    me = psutil.Process()
    found = [c for p in (me, *me.children(recursive=True)) for c in p.net_connections()]
    return [tuple(c.laddr) for c in found if c.status == psutil.CONN_LISTEN]


def test_it_works(client):
    assert sorted(r["n"] for r in run_all(client, double, [1, 2, 3], str)) == [2, 4, 6]


def test_it_listens_on_this_machine_alone(ports):
    assert len(ports) == 3  # scheduler, nanny, worker
    assert {host for host, _ in ports} == {"127.0.0.1"}


def test_no_port_answers_http_or_plain_dask(ports):
    for at in ports:
        with socket.create_connection(at, timeout=5) as s, contextlib.suppress(ConnectionError):
            s.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = s.recv(64)
            assert answer[:1] in (b"", b"\x15"), answer  # nothing, or an alert of TLS


def refused(context: ssl.SSLContext, at: tuple[str, int]) -> bool:
    with socket.create_connection(at, timeout=5) as s:
        try:
            with context.wrap_socket(s) as t:
                return not t.recv(64)
        except (ssl.SSLError, ConnectionError):
            return True


@pytest.mark.parametrize("own_key", [False, True])
def test_no_port_talks_to_a_client_without_its_certificate(ports, own_key):
    from distributed.security import Security

    other = Security.temporary()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own_key:
        context = other.get_connection_args("client")["ssl_context"]
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for at in ports:
        assert refused(context, at)


@pytest.mark.parametrize("security", ["none", "another"])
def test_a_client_from_elsewhere_cannot_connect(client, security):
    from distributed import Client
    from distributed.security import Security

    address = client.scheduler.address
    assert address.startswith("tls://")
    if security == "none":
        options = {"address": address.replace("tls://", "tcp://")}
    else:
        options = {"address": address, "security": Security.temporary()}
    with pytest.raises((OSError, ValueError, TimeoutError)):
        Client(timeout=2, **options)


def test_the_key_is_not_on_disk(client, tmp_path_factory):
    files = [p for p in tmp_path_factory.getbasetemp().rglob("*") if p.is_file()]
    assert not [p for p in files if b"PRIVATE KEY" in p.read_bytes()]
