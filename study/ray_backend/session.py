"""The Ray instance that workers live in: one of our own on this machine, or a cluster that is joined."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from asteroid.errors import InputError

#: How long a cluster's address may stay silent, s.
CONNECT_S = 10.0
#: Ray refuses a smaller object store than 75 MiB; parents and results need room beside the frames.
_HEADROOM_BYTES = 128 * 2**20
#: RFC 9113, section 3.4: a client's greeting; every HTTP/2 server, so every gRPC one, answers with a SETTINGS frame.
_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS_FRAME = 4
#: A socket's path has at most 107 characters, of which Ray's session, its sockets' names and ours need the rest.
_FOLDER_NAME_MAX = 20
_SHM = "/dev/shm"  # noqa: S108 -- Linux's shared memory, which Ray uses as well


def open_session(workers: int, bank_bytes: int, address: str | None) -> bool:
    """Start Ray on this machine, or join the cluster at an address; a session that is open already is used as it is.

    Args:
        workers: cores that Ray may use when it is started here.
        bank_bytes: size of the frames that will go to the object store.
        address: None to start, "host:port" or "auto" to join.

    Returns:
        whether the session was opened here, and `ray.shutdown` is therefore the caller's to call.

    Raises:
        InputError: the address is malformed or does not answer, or Ray cannot run here.
    """
    set_environment()
    if address is None:
        # Ray binds its ports to the loopback interface only where it thinks that there are no clusters.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray

    cores = os.cpu_count() or 1
    if address is None and workers > cores:
        raise InputError(
            f"every worker needs a core of its own, found {workers} workers on {cores} cores: use --workers {cores}"
        )
    head = None if address is None else _find_head(address)
    if ray.is_initialized():
        connected = ray.get_runtime_context().gcs_address
        if head not in (None, connected):
            raise InputError(f"this process has joined Ray at {connected}, found {head}: call ray.shutdown() first")
        return False
    if head is None:
        _start(workers, bank_bytes)
    else:
        _join(head)
        _check_stores(bank_bytes)
    return True


def set_environment() -> None:
    """What Ray reads from the environment when it is imported, hence to be called before that."""
    # The first would start every worker through `uv run`; the second drops the raylet's messages, which Ray prints on
    # the driver's terminal even where log_to_driver is False.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")


def total_cores() -> int:
    """Cores of all nodes of the session that is open."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(resources.get("CPU", 0))


def total_gpus() -> float:
    """GPUs of all nodes of the session that is open."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources.get("GPU", 0.0)


def _start(cores: int, bank_bytes: int) -> None:
    import ray

    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        # A token that lives as long as this process. Ray would write one under HOME, which may be read-only.
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    store_bytes = bank_bytes + bank_bytes // 20 + _HEADROOM_BYTES
    folder = _private_folder()
    with _SigtermKept():
        try:
            ray.init(
                address="local",  # even where RAY_ADDRESS names a cluster
                num_cpus=cores,
                include_dashboard=False,
                object_store_memory=store_bytes,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _plasma_directory=_store_directory(store_bytes),
                _temp_dir=str(folder / "ray"),  # which Ray opens to everybody
                _node_ip_address="127.0.0.1",
            )
        except (OSError, ValueError, RuntimeError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(
                f"Ray could not start on this machine: {_one_line(error)}: it needs a writable {folder.parent} "
                "(or RAY_TMPDIR) and free local ports; or run without --workers"
            ) from error


def _private_folder() -> Path:
    """A folder of this user's only for Ray's sockets and logs, which go when this process ends.

    Raises:
        InputError: no folder with a name short enough for sockets can be written to.
    """
    wanted = [os.environ.get("RAY_TMPDIR"), tempfile.gettempdir(), "/tmp", "/var/tmp"]  # noqa: S108 - private inside
    short = [name for name in wanted if name is not None and len(name) <= _FOLDER_NAME_MAX]
    for name in dict.fromkeys(short):
        try:
            folder = Path(tempfile.mkdtemp(prefix="asteroid-", dir=name))
        except OSError:
            continue
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    raise InputError(
        f"Ray needs a writable folder with a name of at most {_FOLDER_NAME_MAX} characters for its sockets, found "
        f"{tempfile.gettempdir()}: set RAY_TMPDIR=/tmp, or run without --workers"
    )


def _store_directory(store_bytes: int) -> str | None:
    """Where the object store's memory is mapped: /dev/shm, else the temporary folder; None is Ray's choice."""
    if sys.platform != "linux":
        return None
    free_bytes = {}
    for folder in dict.fromkeys((_SHM, tempfile.gettempdir())):
        if Path(folder).is_dir():
            free_bytes[folder] = shutil.disk_usage(folder).free
            if free_bytes[folder] >= store_bytes:
                return folder
    found = " and ".join(f"{free / 2**20:.0f} MiB in {folder}" for folder, free in free_bytes.items())
    raise InputError(
        f"workers share the frames through a file of {store_bytes / 2**20:.0f} MiB, found {found}: free space, enlarge "
        f"{_SHM} (docker run --shm-size), use fewer n_cheap, or run without --workers"
    )


def _find_head(address: str) -> str:
    """The address as host:port, which for "auto" is that of a cluster with a node on this machine."""
    from ray._private.services import canonicalize_bootstrap_address  # what ray.init calls; it has no public name

    try:
        head = canonicalize_bootstrap_address(address) or ""
    except ConnectionError as error:
        raise InputError(
            "no Ray cluster was found on this machine for the Ray address 'auto': start one with ray start --head, or "
            "give host:port"
        ) from error
    except ValueError:
        head = ""
    host, _, port = head.rpartition(":")
    if "/" in host or not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise InputError(
            f"a Ray address is host:port or auto, found {address!r}: write for instance 10.0.0.5:6379, and run on one "
            "of the cluster's nodes"
        )
    return head


def _join(head: str) -> None:
    import ray

    _await_answer(head)
    with _SigtermKept():
        try:
            ray.init(address=head, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise InputError(
                f"the Ray cluster at {head} cannot be joined: {_one_line(error)}: run this command on one of its "
                "nodes, with its versions of Ray and Python, and with RAY_AUTH_MODE=token where it wants a token"
            ) from error


def _check_stores(bank_bytes: int) -> None:
    """Refuse nodes that cannot hold the frames: each one with workers keeps a copy in its object store."""
    import ray

    for node in ray.nodes():  # type: ignore[no-untyped-call]
        store_bytes = node["Resources"].get("object_store_memory", 0)
        if node["Alive"] and node["Resources"].get("CPU", 0) >= 1 and store_bytes < 1.05 * bank_bytes:
            ray.shutdown()
            raise InputError(
                f"the frames need {1.05 * bank_bytes / 2**20:.0f} MiB of every node's object store, found "
                f"{store_bytes / 2**20:.0f} MiB on {node['NodeManagerHostname']}: start that node with a larger "
                "--object-store-memory, or use fewer n_cheap"
            )


def _await_answer(head: str) -> None:
    """Wait until a gRPC server answers; `ray.init` would wait for minutes, and write to the terminal meanwhile."""
    host, _, port = head.rpartition(":")
    until = time.monotonic() + CONNECT_S
    while not _speaks_http2(host.strip("[]"), int(port), until - time.monotonic()):
        if time.monotonic() >= until:
            raise InputError(
                f"no Ray answers at {head}, waited {CONNECT_S:.0f} s for it: is the head node up (ray start --head), "
                "is the port open?"
            )
        time.sleep(0.2)


def _speaks_http2(host: str, port: int, timeout_s: float) -> bool:
    encrypted = os.environ.get("RAY_USE_TLS", "0") not in ("0", "")
    try:
        with socket.create_connection((host, port), timeout=max(0.1, timeout_s)) as connection:
            if encrypted:
                return True  # such a port understands no plain greeting: that it is open must do
            connection.sendall(_HTTP2_GREETING)
            return connection.recv(9)[3:4] == bytes((_SETTINGS_FRAME,))
    except OSError:
        return False


class _SigtermKept:
    """`ray.init` replaces the handler of SIGTERM; this puts the caller's back."""

    def __enter__(self) -> None:
        self._handler = signal.getsignal(signal.SIGTERM)

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
