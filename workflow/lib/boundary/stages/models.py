"""Stage models: train a model of the miniature, or find one that exists already."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.arguments import at_least, json_argument
from boundary.errors import BoundaryError
from boundary.sampling.loading import add_pixel_arguments

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from boundary.sampling.prompts import Template
    from boundary.training.finetune import Solution
    from boundary.training.kept_progress import KeptProgress
    from boundary.verification.policy import Policy

RECIPES = ("pretrain", "rlvr", "finetune")
HELP = "train a model, or locate one on the hub or on disk, and write its model.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--name", required=True, help="name of the model")
    source = parser.add_mutually_exclusive_group(required=True)
    for recipe in RECIPES:
        source.add_argument(
            f"--{recipe}",
            type=json_argument,
            metavar="JSON",
            help=f"train by this recipe; keys as `{recipe}` in config/models.yaml",
        )
    source.add_argument("--hub", metavar="ID", help="identifier on the Hugging Face hub")
    source.add_argument("--path", type=Path, help="folder in Hugging Face format")
    source.add_argument(
        "--endpoint",
        type=json_argument,
        metavar="JSON",
        help="a model that is served; keys as `endpoint` in config/models.yaml, for example "
        '\'{"url": "http://localhost:8000/v1", "model": "NAME"}\'',
    )
    parser.add_argument("--revision", help="commit hash of the hub's repository, or main")
    training = parser.add_argument_group("training")
    training.add_argument("--template", help="name of the prompt template to train with")
    training.add_argument(
        "--prompts", type=Path, default=Path("config/prompts.yaml"), help="file of the templates"
    )
    training.add_argument(
        "--base", type=Path, help="model.json of the model to train from (rlvr, finetune)"
    )
    training.add_argument(
        "--teacher", type=Path, help="model.json of the model to learn from (finetune)"
    )
    training.add_argument(
        "--problems", type=Path, help="problems.parquet to train on (rlvr, finetune by a teacher)"
    )
    training.add_argument(
        "--policy",
        type=json_argument,
        metavar="JSON",
        default={},
        help="what a correct response is (rlvr, finetune by a teacher); keys as `verification` in "
        "config/benchmarks.yaml",
    )
    training.add_argument(
        "--threads", type=at_least(1), help="CPU threads; another number rounds otherwise"
    )
    add_pixel_arguments(training)
    training.add_argument("--metrics", type=Path, help="CSV to write, one row a training step")
    training.add_argument(
        "--save-steps",
        type=at_least(1),
        nargs="*",
        default=[],
        metavar="STEP",
        help="steps after which a checkpoint is put into steps/STEP, beside the output, too (rlvr)",
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="model.json; a checkpoint is put beside it"
    )


def run(arguments: argparse.Namespace) -> None:
    """Train or locate the model and write its record."""
    from boundary.data.checkpoint import checkpoint_digest, download_checkpoint
    from boundary.data.endpoint import Endpoint
    from boundary.data.model_record import ModelRecord, write_model_record

    _check_arguments(arguments)
    kept = None
    if arguments.hub:
        folder = download_checkpoint(arguments.hub, arguments.revision)
        # The hub's cache keeps a snapshot by its commit, which `main` is a name of only today.
        record = ModelRecord(arguments.name, folder.name, folder)
    elif arguments.endpoint is not None:
        endpoint = Endpoint(**arguments.endpoint)
        record = ModelRecord(arguments.name, endpoint.revision, endpoint=endpoint)
    else:
        checkpoint = arguments.path or arguments.output.with_name("checkpoint")
        if not arguments.path:
            kept = _train(arguments, checkpoint)
        record = ModelRecord(arguments.name, checkpoint_digest(checkpoint), checkpoint)
    write_model_record(arguments.output, record)
    if kept:  # not before the record is there, without which all would be trained again
        kept.remove()


def _check_arguments(arguments: argparse.Namespace) -> None:
    """What a source is and needs, before minutes are spent on it."""
    from boundary.study.documents import SCHEMAS, check_entry_part
    from boundary.study.recipes import CHECKS

    taught = ["teacher", "problems"] if "teacher" in (arguments.finetune or {}) else []
    needed = {
        "hub": ["revision"],
        "pretrain": ["template", "metrics"],
        "rlvr": ["template", "metrics", "base", "problems"],
        "finetune": ["template", "metrics", "base", *taught],
    }
    for source, names in needed.items():
        missing = [f"--{name}" for name in names if getattr(arguments, name) is None]
        if getattr(arguments, source) is not None and missing:
            raise BoundaryError(f"--{source} needs {' and '.join(missing)}")
    for source in (*RECIPES, "endpoint"):
        if (entry := getattr(arguments, source)) is not None:
            check_entry_part(entry, source, SCHEMAS / "models.schema.yaml")
            if source in CHECKS:
                CHECKS[source](entry, source)
    for step in arguments.save_steps:
        if arguments.rlvr is None or step >= arguments.rlvr["steps"]:
            raise BoundaryError(
                f"--save-steps: found {step}; expected steps before the last of an rlvr recipe's"
            )
    check_entry_part(arguments.policy, "verification", SCHEMAS / "benchmarks.schema.yaml")


def _train(arguments: argparse.Namespace, checkpoint: Path) -> KeptProgress | None:
    """Write the checkpoint and the metrics; of a training that keeps its progress, where."""
    import torch

    from boundary.sampling.prompts import load_template_to_train_with

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    template = load_template_to_train_with(arguments.prompts, arguments.template)
    if arguments.pretrain:
        from boundary.training.pretrain import pretrain

        trained = pretrain(arguments.pretrain, template)
        processor = [trained.image_processor.library] if trained.image_processor else []
        parts = [trained.model, trained.tokenizer, *processor]
        _write_trained(arguments, checkpoint, parts, trained.metrics)
        return None
    if arguments.finetune:
        _finetune(arguments, checkpoint, template)
        return None
    return _train_rlvr(arguments, checkpoint, template)


def _finetune(arguments: argparse.Namespace, checkpoint: Path, template: Template) -> None:
    """Write what is learned from beside the checkpoint, too."""
    import itertools

    import pandas as pd

    from boundary.data.atomic import write_csv
    from boundary.data.model_record import read_model_record
    from boundary.training.checkpoint import ProcessorFiles
    from boundary.training.documents import corpus_documents
    from boundary.training.finetune import Solution, finetune

    recipe = arguments.finetune
    model, tokenizer = _load(arguments.base, template)
    if "teacher" in recipe:
        solutions = _taught(arguments, template)
    else:
        documents = corpus_documents(recipe["seed"], recipe["corpus"])
        solutions = [
            Solution(template.render(written.question), written.solution)
            for written in itertools.islice(documents, recipe["documents"])
        ]
    write_csv(arguments.output.with_name("solutions.csv"), pd.DataFrame(solutions))
    metrics = finetune(recipe, model, tokenizer, solutions)
    parts = [model, tokenizer, ProcessorFiles(read_model_record(arguments.base).checkpoint)]
    _write_trained(arguments, checkpoint, parts, metrics)


def _taught(arguments: argparse.Namespace, template: Template) -> list[Solution]:
    """Verified solutions of the recipe's teacher."""
    from boundary.training.problems import training_problems
    from boundary.training.reward import verified_reward
    from boundary.training.rollouts import Sampler
    from boundary.training.teaching import verified_solutions
    from boundary.verification.policy import read_policy
    from boundary.verification.verifiers import check_textual

    taught, seed = arguments.finetune["teacher"], arguments.finetune["seed"]
    domain = check_textual(_domains(arguments), str(arguments.problems), "a teacher")
    policy = read_policy(arguments.policy)
    problems = training_problems(arguments.problems, domain, template, policy)
    with verified_reward(domain, arguments.threads or 1) as reward:
        teacher = Sampler(
            *_load(arguments.teacher, template),
            reward,
            seed,
            taught["responses"],
            taught["max_tokens"],
        )
        solutions = verified_solutions(teacher, problems)
    drawn = len(problems) * taught["responses"]
    print(f"{len(solutions)} of the teacher's {drawn} responses are learned from", file=sys.stderr)
    return solutions


def _load(record: Path, template: Template) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model and tokenizer. Raises BoundaryError if the template is made for another family of models."""
    from boundary.data.model_record import read_model_record
    from boundary.sampling.encoding import Encoding
    from boundary.training.checkpoint import load_checkpoint

    checkpoint = read_model_record(record).checkpoint
    Encoding(checkpoint).check_template(template.text)
    return load_checkpoint(checkpoint)


def _domains(arguments: argparse.Namespace) -> list[str]:
    """The domains of the problems to train on."""
    from boundary.data.records import read_records

    return list(read_records(arguments.problems, "problem", ["domain"])["domain"].unique())


def _train_rlvr(
    arguments: argparse.Namespace, checkpoint: Path, template: Template
) -> KeptProgress:
    from boundary.data.atomic import atomic_path
    from boundary.data.model_record import read_model_record
    from boundary.images.batches import seeing
    from boundary.images.processing import PixelLimits, load_image_processor
    from boundary.sampling.context import reads_images
    from boundary.training.checkpoint import ProcessorFiles
    from boundary.training.kept_progress import KeptProgress
    from boundary.training.problems import training_problems
    from boundary.training.reward import verified_reward
    from boundary.training.rlvr import train_rlvr
    from boundary.verification.policy import read_policy
    from boundary.verification.verifiers import check_domains

    base = read_model_record(arguments.base)
    model, tokenizer = _load(arguments.base, template)
    policy = read_policy(arguments.policy)
    domain = check_domains(_domains(arguments), str(arguments.problems))
    see = None
    shown: Any = ProcessorFiles(base.checkpoint)
    if domain == "visual" and reads_images(model.config):
        limits = PixelLimits(arguments.min_pixels, arguments.max_pixels)
        images = load_image_processor(base.checkpoint, limits)
        # What is made of the checkpoint is shown pictures as large as it was trained on.
        see, shown = seeing(model, images), images.library
    parts = [model, tokenizer, shown]
    problems = training_problems(arguments.problems, domain, template, policy, see)
    identity = _rlvr_identity(arguments, base.revision, policy, template, domain)
    kept = KeptProgress(arguments.output.with_name("kept"), identity)
    kept.check_steps(arguments.save_steps)

    def save_step(step: int) -> None:
        if step in arguments.save_steps:
            _write_checkpoint(kept.step_folder(step), parts)

    with verified_reward(domain, arguments.threads or 1) as reward:
        metrics = train_rlvr(arguments.rlvr, model, tokenizer, problems, reward, kept, save_step)
    with atomic_path(arguments.output.with_name("steps")) as folder:
        folder.mkdir()
        for step in arguments.save_steps:
            shutil.copytree(kept.step_folder(step), folder / str(step))
    _write_trained(arguments, checkpoint, parts, metrics)
    return kept


def _rlvr_identity(
    arguments: argparse.Namespace, base: str, policy: Policy, template: Template, domain: str
) -> dict[str, Any]:
    """All that decides what a training makes: progress of another one is not gone on from."""
    from boundary.data.provenance import file_digest, package_versions
    from boundary.study.code_digest import code_digest
    from boundary.verification.verifiers import verifier_module

    pixels = {"pixels": [arguments.min_pixels, arguments.max_pixels]} if domain == "visual" else {}
    return {
        "recipe": arguments.rlvr,
        "base": base,
        "problems": file_digest(arguments.problems),
        "policy": asdict(policy),
        "template": asdict(template),
        "threads": arguments.threads,
        **pixels,
        "code": code_digest(
            "boundary.training.rlvr",
            "boundary.training.reward",
            "boundary.images.batches",
            verifier_module("boundary", domain),
        ),
        "versions": package_versions(["torch", "transformers", "pillow", "math-verify"]),
    }


def _write_trained(
    arguments: argparse.Namespace,
    checkpoint: Path,
    parts: Sequence[Any],
    metrics: list[dict[str, float]],
) -> None:
    import pandas as pd

    from boundary.data.atomic import write_csv

    _write_checkpoint(checkpoint, parts)
    write_csv(arguments.metrics, pd.DataFrame(metrics))


def _write_checkpoint(checkpoint: Path, parts: Sequence[Any]) -> None:
    """Model, tokenizer and, if it has one, image processor: each writes files of its own."""
    from boundary.data.atomic import atomic_path

    with atomic_path(checkpoint) as folder:
        for part in parts:
            part.save_pretrained(folder)
