"""What a GPU job asks a cluster for: minutes, by the plan's tokens and rates."""

from __future__ import annotations

import math
from collections.abc import Mapping

from boundary.planning.costs import Costs
from boundary.planning.plan import (
    CellKey,
    SubsetScores,
    estimated_tokens,
    posed_problems,
    scored_responses,
)
from boundary.study.study import Study

SECONDS_PER_MINUTE = 60


def sampling_minutes(study: Study, costs: Costs, job: Mapping[str, str]) -> int:
    """Minutes for one shard of a cell, known by the job's wildcards."""
    key = CellKey(job["model"], job["benchmark"], job["sampling"])
    sampling = study.sampling[key.sampling]
    problems = posed_problems(study, _problems(study, costs, key.benchmark), sampling.subset)
    tokens = (
        (problems or 0)
        * sampling.shard_size_of(key.benchmark)
        * estimated_tokens(study, key, costs)
    )
    return _minutes(study, key.model, tokens, costs.sampling_rate.of(key.model), costs)


def scoring_minutes(study: Study, costs: Costs, job: Mapping[str, str]) -> int:
    """Minutes for scoring the responses of a subset, known by the job's wildcards."""
    key = CellKey(job["model"], job["benchmark"], job["sampling"])
    scores = SubsetScores(key, job["subset"], job["scorer"])
    responses = scored_responses(study, _problems(study, costs, key.benchmark), scores)
    tokens = (responses or 0) * estimated_tokens(study, key, costs)
    return _minutes(study, scores.scorer, tokens, costs.scoring_rate.of(scores.scorer), costs)


def _problems(study: Study, costs: Costs, benchmark: str) -> int:
    """Number of a benchmark's problems by the catalogue, whether or not they are there already."""
    return study.catalogue.benchmarks[benchmark].stated_problems or costs.time.problems


def _minutes(study: Study, model: str, tokens: float, rate: float, costs: Costs) -> int:
    """``rate`` is tokens a second and GPU; a model without one is taken for as fast."""
    gpus = max(1, study.catalogue.models[model].gpus)
    working = tokens / (rate * gpus * SECONDS_PER_MINUTE)
    return math.ceil(costs.time.start_minutes + costs.time.margin * working)
