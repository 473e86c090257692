"""A real Slurm of one node for tests: this machine, with cores and memory it has not, and two pretend GPUs.

The daemons are those of Debian's packages slurmctld, slurmd and munge. All files are in the cluster's
folder but for links in /etc/slurm, the only place where commands inside a job look, since Snakemake removes
Slurm's variables there.
"""

from __future__ import annotations

import getpass
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

DAEMONS = ["munged", "slurmctld", "slurmd"]
CONFIGURED = Path("/etc/slurm")
GPUS = 2
# A job that takes more memory than it asked for is killed within a second; ended jobs are remembered.
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1
EnforcePartLimits=ALL
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=3600
KillWait=2
MaxJobCount=20000
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=60000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""
# Devices that every machine has: Slurm only counts them.
DEVICES = "NodeName={host} Name=gpu File=/dev/null\nNodeName={host} Name=gpu File=/dev/zero\n"


class Job(NamedTuple):
    """A job of the cluster; ``comment`` tells its rule and wildcards."""

    id: str
    state: str
    partition: str
    comment: str


class Cluster:
    """A Slurm whose files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        """Start the daemons and wait until the node takes jobs.

        Raises FileExistsError if the machine has a Slurm of its own.
        """
        self._configure()
        folder = self.folder
        self.run(
            *("munged", "--force", f"--key-file={folder}/munge.key"),
            *(f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid"),
            *(f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"),
        )
        self.run("slurmctld", "-c")
        self.run("slurmd", "-c")
        wait_for(lambda: self.run("sinfo", "-h", "-p", "cpu", "-o", "%t").strip() == "idle", 60)

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            ports = one.getsockname()[1], other.getsockname()[1]
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        texts = {
            "slurm.conf": CONFIGURATION.format(
                folder=self.folder,
                host=host,
                user=getpass.getuser(),
                controller_port=ports[0],
                node_port=ports[1],
                gpus=GPUS,
            ),
            "gres.conf": DEVICES.format(host=host),
        }
        CONFIGURED.mkdir(exist_ok=True)
        for name, text in texts.items():
            (self.folder / name).write_text(text)
            link = CONFIGURED / name
            if link.is_symlink() and not link.exists():
                link.unlink()  # of a test run that was killed, and whose folder is gone
            link.symlink_to(self.folder / name)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))

    def stop(self) -> None:
        """Cancel what is left and end the daemons, the last one first."""
        self.run("scancel", "--user", getpass.getuser())
        wait_for(lambda: not self.queue(), 60)
        for name in reversed(DAEMONS):
            pid = int((self.folder / f"{name}.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda pid=pid: not _is_alive(pid), 60)
        for name in ("slurm.conf", "gres.conf"):
            (CONFIGURED / name).unlink()

    def run(self, *command: str) -> str:
        """What a command of Slurm's prints. Fails as the command does, with what it said."""
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def queue(self, *options: str) -> list[Job]:
        """The jobs that have not ended; of all that there were, with ``--states=all``."""
        lines = self.run("squeue", "--noheader", "--format=%i|%T|%P|%k", *options).splitlines()
        return [Job(*line.split("|", 3)) for line in lines]

    def shown(self, job: Job) -> dict[str, str]:
        """What Slurm knows of a job."""
        text = self.run("scontrol", "show", "--oneliner", "job", job.id)
        return dict(pair.split("=", 1) for pair in text.split() if "=" in pair)

    def job(self, comment: str) -> Job | None:
        """The job that has not ended and whose rule and wildcards contain these words."""
        found = [job for job in self.queue() if comment in job.comment]
        assert len(found) <= 1
        return found[0] if found else None


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    """Wait until a condition holds; fails if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        # Nobody waits for a daemon that a container's first process does not reap.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
