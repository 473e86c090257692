"""Stage train: train a model on verified rewards with VeRL, on GPUs, and write its model.json."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import at_least, json_argument
from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from boundary.data.model_record import ModelRecord
    from boundary.sampling.prompts import Template
    from boundary.training.verl_runs.kept_run import KeptRun
    from boundary.training.verl_runs.prompts import Prompts

HELP = "train a model with VeRL, on GPUs, and write its model.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--name", required=True, help="name of the model")
    parser.add_argument(
        "--recipe",
        type=json_argument,
        required=True,
        metavar="JSON",
        help="keys as `verl` in config/models.yaml",
    )
    parser.add_argument(
        "--base", type=Path, required=True, help="model.json of the model to train from"
    )
    parser.add_argument("--problems", type=Path, required=True, help="problems.parquet to train on")
    parser.add_argument(
        "--policy",
        type=json_argument,
        metavar="JSON",
        default={},
        help="what earns the reward; keys as `verification` in config/benchmarks.yaml",
    )
    parser.add_argument("--template", required=True, help="name of the prompt template")
    parser.add_argument(
        "--prompts", type=Path, default=Path("config/prompts.yaml"), help="file of the templates"
    )
    parser.add_argument(
        "--save-steps",
        type=at_least(1),
        nargs="*",
        default=[],
        metavar="STEP",
        help="steps after which a checkpoint is put into steps/STEP, beside the output, too",
    )
    parser.add_argument(
        "--metrics", type=Path, required=True, help="CSV to write, one row a training step"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="model.json; a checkpoint is put beside it, and what a rerun goes on from",
    )


def run(arguments: argparse.Namespace) -> None:
    """Train the model, or go on where it was, and write its record."""
    from boundary.data.model_record import read_model_record
    from boundary.sampling.prompts import load_template_to_train_with
    from boundary.training.verl_runs.kept_run import KeptRun
    from boundary.training.verl_runs.launch import check_machine

    _check_arguments(arguments)
    template = load_template_to_train_with(arguments.prompts, arguments.template)
    base = read_model_record(arguments.base)
    kept = KeptRun(arguments.output.with_name("kept"), _identity(arguments, base, template))
    kept.check()
    if not _is_trained(arguments, kept):
        check_machine(arguments.recipe["gpus"])
        _train(arguments, base, template, kept)
    _write(arguments, kept)
    kept.remove()  # not before the record is there, without which all would be trained again


def _check_arguments(arguments: argparse.Namespace) -> None:
    from boundary.study.documents import SCHEMAS, check_entry_part
    from boundary.study.recipes import check_verl

    check_entry_part(arguments.recipe, "verl", SCHEMAS / "models.schema.yaml")
    check_verl(arguments.recipe, "verl")
    check_entry_part(arguments.policy, "verification", SCHEMAS / "benchmarks.schema.yaml")
    steps, every = arguments.recipe["steps"], arguments.recipe["save_every"]
    for step in arguments.save_steps:
        if step >= steps or step % every:
            raise BoundaryError(
                f"--save-steps: found {step}; expected multiples of save_every, {every}, below {steps}"
            )


def _identity(
    arguments: argparse.Namespace, base: ModelRecord, template: Template
) -> dict[str, object]:
    from boundary.data.provenance import file_digest, package_versions
    from boundary.verification.policy import read_policy

    return {
        "recipe": arguments.recipe,
        "base": base.revision,
        "problems": file_digest(arguments.problems),
        "policy": asdict(read_policy(arguments.policy)),
        "template": asdict(template),
        "versions": package_versions(["verl", "vllm", "torch", "transformers"]),
    }


def _steps(arguments: argparse.Namespace) -> list[int]:
    """The steps whose models are wanted, the last of the training among them."""
    return [*arguments.save_steps, arguments.recipe["steps"]]


def _is_trained(arguments: argparse.Namespace, kept: KeptRun) -> bool:
    return all((kept.exported / str(step)).is_dir() for step in _steps(arguments))


def _train(
    arguments: argparse.Namespace, base: ModelRecord, template: Template, kept: KeptRun
) -> None:
    from boundary.training.verl_runs.exported import check_steps, export_steps, last_step
    from boundary.training.verl_runs.launch import run_verl
    from boundary.training.verl_runs.overrides import Run, overrides

    prompts = _pose(arguments, base, template)
    kept.begin()
    prompts.write(kept.prompts)
    checkpoint = base.checkpoint.resolve()
    run = Run(arguments.name, checkpoint, kept.prompts, prompts.longest, kept.checkpoints)
    settings = overrides(arguments.recipe, run)

    def export() -> None:
        export_steps(kept.checkpoints, checkpoint, kept.exported, _steps(arguments))

    export()  # what VeRL had finished when it was killed, before it clears that up
    check_steps(kept.checkpoints, kept.exported, _steps(arguments))
    if _is_trained(arguments, kept):
        return
    code = run_verl(settings, arguments.recipe["gpus"], kept.folder, kept.new_log(), export)
    export()
    check_steps(kept.checkpoints, kept.exported, _steps(arguments))
    if not _is_trained(arguments, kept):
        raise BoundaryError(
            f"VeRL ended with exit code {code} before step {arguments.recipe['steps']}; what it said "
            f"stands above. Its progress is kept in {kept.folder}, and the same command goes on after "
            f"step {last_step(kept.checkpoints)}"
        )


def _pose(arguments: argparse.Namespace, base: ModelRecord, template: Template) -> Prompts:
    """The problems for VeRL. Raises BoundaryError if they do not fit the recipe or the model."""
    from boundary.data.records import read_records
    from boundary.sampling.encoding import Encoding
    from boundary.training.problems import check_enough
    from boundary.training.verl_runs.prompts import pose_prompts
    from boundary.verification.policy import read_policy
    from boundary.verification.verifiers import check_textual

    domains = read_records(arguments.problems, "problem", ["domain"])["domain"]
    domain = check_textual(domains.unique(), str(arguments.problems), "training")
    check_enough(len(domains), arguments.recipe["problems_per_step"])
    encoding = Encoding(base.checkpoint)
    policy = read_policy(arguments.policy)
    prompts = pose_prompts(arguments.problems, domain, template, policy, encoding)
    tokens = prompts.longest + arguments.recipe["max_tokens"]
    if tokens > encoding.context:
        raise BoundaryError(
            f"{base.checkpoint}: its context is {encoding.context} tokens, and the longest prompt with "
            f"max_tokens takes {tokens}; lower max_tokens of the recipe"
        )
    return prompts


def _write(arguments: argparse.Namespace, kept: KeptRun) -> None:
    """The checkpoint, the steps, the metrics and the record."""
    import shutil

    from boundary.data.atomic import atomic_path, link_or_copy, write_csv
    from boundary.data.checkpoint import checkpoint_digest
    from boundary.data.model_record import ModelRecord, write_model_record
    from boundary.training.verl_runs.metrics import training_metrics

    def put(step: int, folder: Path) -> None:
        shutil.copytree(
            kept.exported / str(step),
            folder,
            copy_function=lambda source, target: link_or_copy(Path(source), Path(target)),
        )

    checkpoint = arguments.output.with_name("checkpoint")
    with atomic_path(checkpoint) as folder:
        put(arguments.recipe["steps"], folder)
    with atomic_path(arguments.output.with_name("steps")) as folder:
        folder.mkdir()
        for step in arguments.save_steps:
            put(step, folder / str(step))
    write_csv(arguments.metrics, training_metrics(kept.logs))
    record = ModelRecord(arguments.name, checkpoint_digest(checkpoint), checkpoint)
    write_model_record(arguments.output, record)
