"""A real S3 server for tests: Ceph's gateway over a cluster of one disk, on loopback.

It checks signatures, clocks and conditions, and keeps what it acknowledged through a
`kill -9`. Debian has its programs: `radosgw ceph-mon ceph-osd ceph-common`.
"""

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK, wait_until
from mlops_common.sections import MinioSettings
from mlops_common.testing.children import Children

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
PATIENCE = 240.0  # seconds for a start on a busy machine
REGION = "us-east-1"
CONFIG = """
[global]
fsid = {fsid}
mon host = {monitor}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
run_dir = {folder}
log_file = {folder}/$name.log
admin_socket = {folder}/$name.asok
pid_file = {folder}/$name.pid
mon_data = {folder}/mon
osd_data = {folder}/osd
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = {disk}
memstore_device_bytes = 4294967296
bluestore_block_size = 10737418240
bluestore_fsck_on_mount = false
osd_memory_target = 939524096
crush_location = root=default host=localhost
[client]
ms_mon_client_mode = crc
rgw_enable_usage_log = false
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_run_sync_thread = false
rgw_thread_pool_size = 32
"""


class CephStore:
    """The three processes of a store: monitor, disk and gateway.

    Attributes:
        folder: Holds everything it writes.
        port: Of the gateway.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Name the parts; nothing is made yet.

        Args:
            folder: For everything it writes.
            durable: Whether objects lie on the disk, or in memory, which is faster.
        """
        self.folder = folder
        self._disk = "bluestore" if durable else "memstore"
        self.port = free_port()
        self._children = Children(folder)
        self._user: dict[str, str] = {}

    @property
    def endpoint(self) -> str:
        """URL of the gateway."""
        return f"http://{LOOPBACK}:{self.port}"

    def settings(self, bucket: str, **changes: Any) -> MinioSettings:
        """Return the settings that reach a bucket of the store."""
        return MinioSettings(
            **{
                "endpoint": self.endpoint,
                "bucket": bucket,
                "region": REGION,
                "access_key": SecretStr(self._user["access_key"]),
                "secret_key": SecretStr(self._user["secret_key"]),
                **changes,
            }
        )

    def make(self) -> None:
        """Make an empty cluster, start it, and give it a user."""
        monitor = f"[v2:{LOOPBACK}:{free_port()},v1:{LOOPBACK}:{free_port()}]"
        fsid = str(uuid.uuid4())
        text = CONFIG.format(
            fsid=fsid, monitor=monitor, folder=self.folder, disk=self._disk
        )
        self._config.write_text(text, "utf-8")
        for part in ("mon", "osd"):
            (self.folder / part).mkdir()
        monitors = str(self.folder / "monitors")
        add = ("--addv", "a", monitor, "--fsid", fsid, monitors)
        self._run("monmaptool", "--create", *add)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors)
        self._start("ceph-mon", "-i", "a")
        disk = str(uuid.uuid4())
        self._run("ceph", "osd", "new", disk, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self.start()
        # The keys are the server's choice: an argument can be read by anybody.
        name = ("--uid=test", "--display-name=test")
        made = json.loads(self._run("radosgw-admin", "user", "create", *name))
        self._user = made["keys"][0]

    def start(self) -> None:
        """Start what does not run, and wait until the gateway answers."""
        self._start("ceph-mon", "-i", "a")
        self._start("ceph-osd", "-i", "0")
        frontend = f"beast endpoint={LOOPBACK}:{self.port} tcp_nodelay=1"
        self._start("radosgw", "-n", "client.rgw", "--rgw_frontends", frontend)
        if not wait_until(self._answers, PATIENCE):
            said = self._children.log("radosgw").read_text("utf-8")[-2000:]
            raise AssertionError(f"no Ceph gateway: {said}")

    def limit(self, bucket: str, *, megabytes: int) -> None:
        """Give a bucket a quota."""
        quota = ("--quota-scope=bucket", f"--bucket={bucket}")
        size = f"--max-size={megabytes}M"
        self._run("radosgw-admin", "quota", "set", *quota, size)
        self._run("radosgw-admin", "quota", "enable", *quota)

    def kill(self, *names: str) -> None:
        """End programs as a power cut would; all of them where none is named."""
        self._children.kill(*names)

    def stop(self) -> None:
        """End everything, the gateway first."""
        self._children.stop()

    @property
    def _config(self) -> Path:
        return self.folder / "ceph.conf"

    def _start(self, program: str, *arguments: str) -> None:
        command = [program, "-c", str(self._config), "-f", *arguments]
        self._children.start(program, command)

    def _run(self, program: str, *arguments: str) -> str:
        command = [program, "-c", str(self._config), *arguments]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=PATIENCE
        )
        return done.stdout

    def _answers(self) -> bool:
        self._children.require()
        try:
            with urllib.request.urlopen(self.endpoint, timeout=5):  # noqa: S310 - loopback
                return True
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False


def missing() -> list[str]:
    """Return which of its programs are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


@contextmanager
def ceph_store(*, durable: bool = True) -> Iterator[CephStore]:
    """Yield a running store; skip the test where Ceph is not installed."""
    import pytest

    if absent := missing():
        pytest.skip(
            f"needs {', '.join(absent)}: apt-get install --no-install-recommends "
            "radosgw ceph-mon ceph-osd ceph-common"
        )
    # Its sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="ceph-") as folder:
        store = CephStore(Path(folder), durable=durable)
        try:
            store.make()
            yield store
        finally:
            store.stop()
