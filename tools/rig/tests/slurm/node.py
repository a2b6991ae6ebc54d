# SPDX-License-Identifier: GPL-2.0
"""A cluster of one node, this machine, in a folder of its own: munged, slurmctld and
slurmd as children of the test, on ports that are free, with nobody else's settings."""
import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from child import Child

# As Debian's packages have them; /usr/sbin is not on everybody's path.
PATHS = os.environ["PATH"] + ":/usr/sbin:/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")

CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A task that is queued again waits until the credential of its first run has expired.
AuthInfo=socket={dir}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,sched_interval=2,bf_interval=2
MailProg=/bin/true
ReturnToService=2
MaxArraySize={max_array}
KillWait=2
SlurmdTimeout=20
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if not shutil.which(name, path=PATHS)]


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Node:
    def __init__(self, where, cpus=2, max_array=1001):
        self.dir, self.children = Path(where), []
        self.env = {"PATH": PATHS, "SLURM_CONF": str(self.dir / "slurm.conf")}
        for name in ("state", "spool"):
            (self.dir / name).mkdir(parents=True)
        # munged wants its folder to be open to its clients.
        self.dir.chmod(0o755)
        key = self.dir / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        (self.dir / "slurm.conf").write_text(CONFIG.format(
            dir=self.dir, host=socket.gethostname().split(".")[0], user=getpass.getuser(), cpus=cpus,
            max_array=max_array, ports=free_ports(2)))

    def launch(self, name, *args):
        child = Child([shutil.which(name, path=PATHS), *args], self.dir / f"{name}.log", **self.env)
        self.children.append(child)
        return child

    def call(self, *argv):
        return subprocess.run(argv, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def start(self):
        files = [f"--{what}-file={self.dir}/munge.{what}" for what in ("key", "pid", "log", "seed")]
        self.launch("munged", "--foreground", "--force", f"--socket={self.dir}/munge.socket", *files)
        self.await_that("munged", lambda: (self.dir / "munge.socket").exists())
        self.launch("slurmctld", "-D", "-c")
        self.launch("slurmd", "-D")
        self.await_that("slurmd", lambda: self.call("sinfo", "-h", "-o", "%t").stdout.strip() in ("idle", "mix", "alloc"))

    def await_that(self, name, condition, seconds=30):
        end = time.time() + seconds
        while not condition():
            dead = [child for child in self.children if child.ended()]
            if dead or time.time() > end:
                logs = "\n".join(child.said() for child in dead or self.children)
                raise AssertionError(f"{name} does not start: {logs}")
            time.sleep(0.1)

    def stop(self):
        self.call("scancel", "--me")
        end = time.time() + 10
        while time.time() < end and self.call("squeue", "-h").stdout.strip():
            time.sleep(0.2)
        for child in reversed(self.children):
            child.stop()
