"""What the workflow's rules ask of a study: files, as paths below its results, and settings of a job.

A job is known by its wildcards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from boundary.study.code_digest import code_digest
from boundary.study.obstacles import check_obstacles, obstacles
from boundary.study.pairs import base_of
from boundary.study.paths import counts_path, guessable_path, scores_path, sheet_path
from boundary.study.sources import sources
from boundary.study.study import Cell, Exhibit, Study
from boundary.verification.verifiers import split_judged

Job = Mapping[str, str]


def steps_to_save(study: Study, job: Job) -> str:
    """The steps of a model's training after which entries of the catalogue are what it was."""
    entries = (model.settings.get("step_of", {}) for model in study.catalogue.models.values())
    return " ".join(
        str(step) for step in sorted({e["step"] for e in entries if e.get("model") == job["model"]})
    )


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
    """The statistics that a figure or a table shows, as paths from where Snakemake runs.

    Raises BoundaryError where it cannot be made.
    """
    check_obstacles(study, study.exhibits[job["exhibit"]])
    return [
        source.path if source.elsewhere else f"<results>/{source.path}"
        for source in sources(study, study.exhibits[job["exhibit"]])
    ]


def sheet_verdicts(study: Study, job: Job) -> list[str]:
    """Verdicts on the cell that a sheet is laid out of. Raises BoundaryError where it cannot be made."""
    check_obstacles(study, study.exhibits[job["exhibit"]])
    verifier, _ = split_judged(job["judged"])
    return cell_shards(study, job, f"verify/{{model}}/{{benchmark}}/{{sampling}}/{verifier}")


def sheet_guessable(study: Study, job: Job) -> list[str]:
    """Which problems a sheet leaves out, if its cell has a filter."""
    _, found = split_judged(job["judged"])
    return [guessable_path(found, job["benchmark"])] if found else []


def sheet_code(study: Study, job: Job) -> str:
    """A digest of what lays a sheet out."""
    return code_digest(f"boundary.stages.{study.exhibits[job['exhibit']].kind}")


def exhibit_cells(study: Study, job: Job) -> str:
    """What each of these is of, as JSON."""
    found = sources(study, study.exhibits[job["exhibit"]])
    return json.dumps([source.description for source in found])


def exhibit_code(study: Study, job: Job) -> str:
    """A digest: a changed module redraws what it draws."""
    return code_digest("boundary.stages.figures", *study.exhibits[job["exhibit"]].modules)


def default_exhibits(study: Study) -> list[Exhibit]:
    """What is made when nothing is asked for: all that can be, but what is made by its name alone."""
    return [
        exhibit
        for exhibit in study.exhibits.values()
        if not exhibit.by_name and not obstacles(study, exhibit)
    ]


def left_out(study: Study) -> str:
    """What cannot be made of a study, for the beginning of a run; empty if all can."""
    names = [exhibit.name for exhibit in study.exhibits.values() if obstacles(study, exhibit)]
    if not names:
        return ""
    return (
        f"Left out, since models or logs are not available: {', '.join(names)}. What is "
        f"missing, and what the rest takes: boundary plan --study {study.name}"
    )


def exhibit_files(exhibit: Exhibit) -> list[str]:
    """The files of a figure or a table, and of a sheet what tells of each cell how to fill it in."""
    if exhibit.type == "sheet":
        return [sheet_path(exhibit.name, cell) for cell in exhibit.cells]
    endings = {"figure": ["pdf", "png", "csv"], "table": ["html", "csv"]}[exhibit.type]
    endings += ["json"] if exhibit.kind == "claims" else []
    return [f"{exhibit.type}s/{exhibit.name}.{ending}" for ending in endings]
