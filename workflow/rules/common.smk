# The study, and what the rules ask of it.
import fcntl
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
from boundary.estimation import STATISTICS
from boundary.exhibits import OF_SAMPLES
from boundary.study.code_digest import code_digest
from boundary.study.documents import SCHEMAS, check_document
from boundary.study.study import Cell, load_study
from boundary.verification.verifiers import VERIFIERS

try:
    check_document(config, Path("config/config.yaml"), SCHEMAS / "config.schema.yaml")
    STUDY = load_study(config["study"], Path("config"), SCHEMAS)
except BoundaryError as error:
    raise WorkflowError(str(error)) from None

HELD = []  # what must stay open while Snakemake runs
MODELS = STUDY.catalogue.models
BENCHMARKS = STUDY.catalogue.benchmarks

# Rules run `python -m boundary`: from the rule's own environment where Snakemake deploys one, else
# from the environment that Snakemake itself runs in, activated or not.
python_path = f"export PYTHONPATH={shlex.quote(str(LIBRARY))}; "
own_path = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
shell.prefix(
    python_path if workflow.deployment_settings.deployment_method else python_path + own_path
)


onstart:
    # A lock that the kernel drops however a run ends. While nobody holds it, a lock of Snakemake's own is
    # left over from a killed run, and `snakemake --unlock` is safe: `make figures` looks at it.
    run_lock = open(".snakemake/run.lock", "w")
    try:
        fcntl.flock(run_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WorkflowError(f"another Snakemake is running in this folder ({error})") from None
    HELD.append(run_lock)


def names(allowed):
    """A pattern that matches exactly the given names."""
    return "|".join(re.escape(name) for name in allowed) or "(?!)"


wildcard_constraints:
    model=names(MODELS),
    benchmark=names(BENCHMARKS),
    sampling=names(STUDY.sampling),
    verifier=names(VERIFIERS),
    shard=r"\d{4}",
    n=r"\d+",


def benchmark_source(wildcards):
    """The stage's arguments that say where a benchmark's problems come from."""
    entry = BENCHMARKS[wildcards.benchmark]
    if entry.source == "generate":
        return ["--generate", json.dumps(entry.settings["generate"])]
    fields = json.dumps(entry.settings["fields"])
    return ["--path", entry.settings["path"], "--fields", fields]


def checkpoint_files(wildcards):
    """The files of a model on disk: weights that change in place are another model."""
    folder = MODELS[wildcards.model].settings.get("path")
    return sorted(map(str, Path(folder).glob("*.*"))) if folder else []


def model_source(wildcards):
    """The stage's arguments that say where a model is."""
    settings = MODELS[wildcards.model].settings
    if "endpoint" in settings:
        return ["--endpoint", json.dumps(settings["endpoint"])]
    return [f"--{key}={settings[key]}" for key in ("hub", "revision", "path") if key in settings]


def sampling_environment(wildcards):
    """The environment file of what samples a model."""
    return str(ENVIRONMENTS / f"{MODELS[wildcards.model].environment}.yaml")


def trained_by(source):
    """A pattern that matches the models with this source."""
    return names(name for name, model in MODELS.items() if model.source == source)


def recipe(source):
    """A params function: the model's training recipe as JSON."""
    return lambda wildcards: json.dumps(MODELS[wildcards.model].settings[source])


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


def shard_files(folder):
    """An input function: the cell's shards in a folder of a stage, which wildcards name."""

    def of_cell(wildcards):
        cell = Cell(wildcards.model, wildcards.benchmark, wildcards.sampling, int(wildcards.n))
        place = folder.format(**wildcards)
        return [f"<results>/{place}/shard-{shard:04d}.parquet" for shard in STUDY.shards(cell)]

    return of_cell


def statistic_files(exhibit):
    """The statistic of each of an exhibit's cells; what verdicts decide is in their verifier's folder."""
    place = "<results>/analyse/{0.model}/{0.benchmark}/{0.sampling}/n{0.n}/"
    place += "" if exhibit.kind in OF_SAMPLES else "{0.verifier}/"
    return [f"{place.format(cell)}{exhibit.kind}.csv" for cell in exhibit.cells]


def exhibit_files(exhibit):
    """The files of a figure or a table."""
    endings = {"figure": ("pdf", "png", "csv"), "table": ("html", "csv")}[exhibit.type]
    return [f"<results>/{exhibit.type}s/{exhibit.name}.{ending}" for ending in endings]


def exhibit_of(wildcards):
    """The figure or the table that a wildcard names."""
    return STUDY.exhibits[wildcards.exhibit]
