"""What the workflow's rules ask of a study: files, as paths below its results, and settings of a job.

A job is known by its wildcards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from boundary.study.code_digest import code_digest
from boundary.study.pairs import base_of
from boundary.study.paths import counts_path, scores_path
from boundary.study.sources import sources
from boundary.study.study import Cell, Exhibit, Study

Job = Mapping[str, str]


def cell_shards(study: Study, job: Job, folder: str) -> list[str]:
    """The shards of a cell in the folder of a stage, which the job's wildcards complete."""
    cell = Cell(job["model"], job["benchmark"], job["sampling"], int(job["n"]))
    return _shards(folder, job, study.shards(cell))


def scored_shards(study: Study, job: Job, folder: str) -> list[str]:
    """Those that hold the responses of a subset."""
    cell = (job[name] for name in ("model", "benchmark", "sampling", "subset"))
    return _shards(folder, job, study.scored_shards(*cell))


def _shards(folder: str, job: Job, numbers: range) -> list[str]:
    return [f"{folder.format(**job)}/shard-{number:04d}.parquet" for number in numbers]


def posed_problems(study: Study, job: Job) -> str:
    """All problems of the benchmark, or those of the subset that a sampling is limited to."""
    subset = study.sampling[job["sampling"]].subset
    file = f"subsets/{subset}.parquet" if subset else "problems.parquet"
    return f"benchmarks/{job['benchmark']}/{file}"


def target_scores(study: Study, job: Job) -> str:
    """Scores, by itself, of the base's responses whose entropy a sampling matches."""
    matching = study.sampling[job["sampling"]].matching
    base = base_of(job["model"], study.catalogue.models)
    assert matching is not None and base is not None  # boundary.study.load sees to that
    return scores_path(base, job["benchmark"], matching.sampling, matching.subset, base)


def probe_scores(study: Study, job: Job) -> list[str]:
    """Scores, by itself, of the model's responses at each temperature that is tried."""
    model, benchmark = job["model"], job["benchmark"]
    return [
        scores_path(model, benchmark, probe.directory, str(probe.subset), model)
        for probe in study.probes(job["sampling"])
    ]


def asked_counts(study: Study, job: Job) -> str:
    """Counts of the cell that tells which problems a filter leaves out."""
    return counts_path(study.filters[job["filter"]].cell(job["benchmark"]))


def told_temperature(study: Study, job: Job) -> list[str]:
    """An argument of the stage score: the temperature of samples that do not tell it themselves."""
    imported = study.catalogue.models[job["model"]].source == "samples"
    return [f"--temperature={study.sampling[job['sampling']].temperature}"] if imported else []


def exhibit_statistics(study: Study, job: Job) -> list[str]:
    """The statistics that a figure or a table shows."""
    return [source.path for source in sources(study, study.exhibits[job["exhibit"]])]


def exhibit_cells(study: Study, job: Job) -> str:
    """What each of these is of, as JSON."""
    found = sources(study, study.exhibits[job["exhibit"]])
    return json.dumps([source.description for source in found])


def exhibit_code(study: Study, job: Job) -> str:
    """A digest: a changed module redraws what it draws."""
    return code_digest("boundary.stages.figures", *study.exhibits[job["exhibit"]].modules)


def exhibit_files(exhibit: Exhibit) -> list[str]:
    """The files of a figure or a table."""
    endings = {"figure": ["pdf", "png", "csv"], "table": ["html", "csv"]}[exhibit.type]
    endings += ["json"] if exhibit.kind == "claims" else []
    return [f"{exhibit.type}s/{exhibit.name}.{ending}" for ending in endings]
