# The study, and what the rules ask of it.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ENVIRONMENTS = Path(workflow.basedir) / "envs"
LIBRARY = Path(workflow.basedir) / "workflow" / "lib"
sys.path.insert(0, str(LIBRARY))

from boundary.errors import BoundaryError
from boundary.estimation import ESTIMATORS
from boundary.study import jobs
from boundary.study.code_digest import code_digest
from boundary.study.documents import SCHEMAS, check_document
from boundary.study.load import load_study
from boundary.study.model import LOADED
from boundary.verification.verifiers import VERIFIERS, verifier_module

try:
    check_document(config, Path("config/config.yaml"), SCHEMAS / "config.schema.yaml")
    STUDY = load_study(config["study"], Path("config"), SCHEMAS)
except BoundaryError as error:
    raise WorkflowError(str(error)) from None

MODELS = STUDY.catalogue.models
BENCHMARKS = STUDY.catalogue.benchmarks

# Rules run `python -m boundary`: from the rule's own environment where Snakemake deploys one, else
# from the environment that Snakemake itself runs in, activated or not.
python_path = f"export PYTHONPATH={shlex.quote(str(LIBRARY))}; "
own_path = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
shell.prefix(
    python_path if workflow.deployment_settings.deployment_method else python_path + own_path
)


def names(allowed):
    """A pattern that matches exactly the given names."""
    return "|".join(re.escape(name) for name in allowed) or "(?!)"


wildcard_constraints:
    model=names(MODELS),
    benchmark=names(BENCHMARKS),
    sampling=names(STUDY.sampling),
    verifier=names(VERIFIERS),
    # Who judged, and what leaves problems out.
    judged=f"({names(VERIFIERS)})(/({names(STUDY.filters)}))?",
    filter=names(STUDY.filters),
    subset=names(STUDY.subsets),
    scorer=names(MODELS),
    base=names(MODELS),
    base_sampling=names(STUDY.sampling),
    base_n=r"\d+",
    shard=r"\d{4}",
    n=r"\d+",


def checkpoint_files(wildcards):
    """The files of a model on disk: weights that change in place are another model."""
    folder = MODELS[wildcards.model].settings.get("path")
    return sorted(map(str, Path(folder).glob("*.*"))) if folder else []


def environment_of(wildcard, attribute):
    """A conda function: the environment file of the model that a wildcard names, to sample or to score."""
    return lambda w: str(ENVIRONMENTS / f"{getattr(MODELS[w[wildcard]], attribute)}.yaml")


def models_from(*sources):
    """A pattern that matches the models with one of these sources."""
    return names(name for name, model in MODELS.items() if model.source in sources)


def model_template(wildcards):
    """Name of the template that a model is trained with."""
    return MODELS[wildcards.model].template


def template_digest(wildcards):
    """A changed template is another training, or another set of samples."""
    name = wildcards.get("sampling")
    template = STUDY.template(wildcards.model, name) if name else model_template(wildcards)
    return STUDY.catalogue.prompts[template].digest


def sampling_of(attribute):
    """A params function: a setting of the cell's sampling."""
    return lambda wildcards: getattr(STUDY.sampling[wildcards.sampling], attribute)


def shard_size(wildcards):
    """Samples of each problem that a shard of the cell holds."""
    return STUDY.sampling[wildcards.sampling].shard_size_of(wildcards.benchmark)


def study_files(find, *settings):
    """An input function: the files that ``find``, of boundary.study.jobs, names for a job."""

    def of_job(wildcards):
        found = find(STUDY, wildcards, *settings)
        return f"<results>/{found}" if isinstance(found, str) else [f"<results>/{f}" for f in found]

    return of_job


def study_setting(find):
    """A params or input function: what ``find``, of boundary.study.jobs, tells of a job."""
    return lambda wildcards: find(STUDY, wildcards)


def exhibit_files(exhibit):
    """The files of a figure or a table; of a sheet what tells of each cell how to fill it in."""
    return [f"<results>/{file}" for file in jobs.exhibit_files(exhibit)]


def matched_file(wildcards):
    """Where a sampling's temperature is matched, the file that tells it: known when it is there."""
    if STUDY.sampling[wildcards.sampling].matching is None:
        return []
    return checkpoints.match_temperature.get(
        **{name: wildcards[name] for name in ("model", "benchmark", "sampling")}
    ).output[0]


def temperature(wildcards, input):
    """The temperature of a cell: its sampling's, or the matched one."""
    if not input.matched:
        return STUDY.sampling[wildcards.sampling].temperature
    return json.loads(Path(str(input.matched)).read_text())["temperature"]
