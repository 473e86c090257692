# A run: one at a time in a folder, what it leaves out, and whether it can run here at all.
import fcntl

from boundary.planning.cluster import check_slurm, check_writable

HELD = []  # what must stay open while Snakemake runs

if workflow.is_main_process and (left_out := jobs.left_out(STUDY)):
    logger.warning(left_out)


onstart:
    # A lock that the kernel drops however a run ends. While nobody holds it, a lock of Snakemake's own is
    # left over from a killed run, and `snakemake --unlock` is safe: `make figures` looks at it.
    run_lock = open(".snakemake/run.lock", "w")
    try:
        fcntl.flock(run_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WorkflowError(f"another Snakemake is running in this folder ({error})") from None
    HELD.append(run_lock)
    try:
        check_writable(Path("results") / STUDY.name)
        if workflow.executor_plugin.name == "slurm":
            needed = [job.resources.get("gpu", 0) for job in workflow.dag.needrun_jobs()]
            check_slurm(workflow.executor_settings.partition_config, max(needed, default=0))
    except BoundaryError as error:
        raise WorkflowError(str(error)) from None
