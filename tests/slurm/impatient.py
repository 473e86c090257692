"""Snakemake, which looks after its jobs as often as the profile says.

By itself the executor for SLURM waits ten seconds longer each time that no job has ended.
"""

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda self: self.workflow.remote_execution_settings.seconds_between_status_checks,
    lambda self, longer: None,
)
main()
