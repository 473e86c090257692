# What a job asks of the machine that runs it, be it this one or a node of a cluster.
from boundary.planning import requests
from boundary.planning.costs import load_costs

try:
    COSTS = load_costs(Path("config"), SCHEMAS, STUDY.catalogue)
except BoundaryError as error:
    raise WorkflowError(str(error)) from None


def grows(amount):
    """A resources function: half as much again at each attempt, since what ended one for it would end the next.

    No more than that, since an attempt may have ended for another reason, and nodes are only so large.
    `amount` is a number, or a function of the wildcards.
    """
    return lambda wildcards, attempt: (
        (amount(wildcards) if callable(amount) else amount) * (attempt + 1) // 2
    )


def minutes_of(estimate):
    """A function of the wildcards: the minutes that `estimate`, of boundary.planning.requests, allows a job."""
    return lambda wildcards: estimate(STUDY, COSTS, wildcards)


def gpus_of(wildcard, taken="gpus"):
    """A resources function: GPUs of the model that a wildcard names, which Snakemake would cap unasked.

    `taken` is what it takes them for: `gpus` to be sampled or to score, `training_gpus` to be trained.
    """

    def of_job(wildcards):
        model, there = MODELS[wildcards[wildcard]], workflow.global_resources.get("gpu")
        needed = getattr(model, taken)
        if there is not None and there.value is not None and needed > there.value:
            raise WorkflowError(
                f"{model.name} takes {needed} GPUs a job, more than --resources gpu={there.value}: give "
                f"gpu={needed}, or set its `gpus` in config/models.yaml"
            )
        return needed

    return of_job
