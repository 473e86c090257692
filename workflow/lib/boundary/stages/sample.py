"""Stage sample: draw one shard of a cell's samples."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import at_least, not_negative, share
from boundary.errors import BoundaryError
from boundary.sampling.engine import EngineSettings
from boundary.sampling.engines import ENGINES
from boundary.sampling.loading import add_loading_arguments

if TYPE_CHECKING:
    from boundary.data.model_record import ModelRecord
    from boundary.sampling.engine import Engine
    from boundary.sampling.prompts import Template

HELP = "draw one shard of samples; resumes from its journal after a crash"
EXAMPLES = """\
examples:
  an own checkpoint, on one GPU (or, where there is none, on the CPU):
    boundary benchmarks --name mine --path problems.jsonl --output problems.parquet
    boundary models --name my-rl --path /data/step-300 --output my-rl.json
    boundary sample --model my-rl.json --problems problems.parquet --template simplerl \\
        --shard-size 32 --output my-rl.parquet
  on four GPUs that share the model:
    boundary sample ... --engine vllm --gpus 4
  through an endpoint; its key is read from the variable named in key_variable:
    boundary models --name served --output served.json --endpoint \\
        '{"url": "https://HOST/v1", "model": "NAME", "api": "chat", "key_variable": "MY_KEY"}'
    boundary sample --model served.json --problems problems.parquet --template plain \\
        --temperature 1 --top-p 1 --output served.parquet

The same command again goes on where a killed one was; --shard 1, 2, ... draw further samples.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--model", type=Path, required=True, help="model.json of the model")
    parser.add_argument("--problems", type=Path, required=True, help="problems.parquet to pose")
    parser.add_argument("--template", required=True, help="name of the prompt template")
    parser.add_argument(
        "--prompts", type=Path, default=Path("config/prompts.yaml"), help="file of the templates"
    )
    parser.add_argument(
        "--temperature", type=not_negative, default=0.6, help="0 is greedy (default: 0.6)"
    )
    parser.add_argument("--top-p", type=share, default=0.95, help="1 is off (default: 0.95)")
    parser.add_argument(
        "--max-tokens", type=at_least(1), default=16384, help="longest response (default: 16384)"
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="seed of the sampling (default: 0)"
    )
    parser.add_argument(
        "--shard", type=at_least(0), default=0, help="number of the shard (default: 0)"
    )
    parser.add_argument(
        "--shard-size", type=at_least(1), default=32, help="samples of every problem (default: 32)"
    )
    parser.add_argument(
        "--threads", type=at_least(1), help="CPU threads of the transformers engine"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="where samples are safe: a journal until the shard is sealed, then the shard once more "
        "(default: `kept` beside the output)",
    )
    parser.add_argument("--output", type=Path, required=True, help="shard to write (.parquet)")
    add_engine_arguments(parser.add_argument_group("engine"))


def add_engine_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare how the model is loaded."""
    group.add_argument(
        "--engine",
        choices=["auto", *sorted(ENGINES)],
        default="auto",
        help="auto is vllm where there is a GPU, else transformers; openai for an endpoint's model "
        "(default: auto)",
    )
    add_loading_arguments(group)
    group.add_argument(
        "--prefix-caching",
        action=argparse.BooleanOptionalAction,
        default=EngineSettings.prefix_caching,
        help="let vllm prefill a prompt once for all its samples (default: yes)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Draw what the journal does not hold yet, then seal the shard."""
    from boundary.data.model_record import read_model_record
    from boundary.data.provenance import QUESTION_COLUMNS, questions_digest
    from boundary.data.records import read_provenance, read_records
    from boundary.images.processing import PixelLimits
    from boundary.sampling.engine import SamplingParameters
    from boundary.sampling.prompts import load_template
    from boundary.sampling.shard import Shard, draw_shard
    from boundary.verification.verifiers import check_domains

    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    model = read_model_record(arguments.model)
    benchmark = read_provenance(arguments.problems)
    problems = read_records(arguments.problems, "problem", ["domain", *QUESTION_COLUMNS])
    check_domains(problems["domain"].unique(), str(arguments.problems))
    template = load_template(arguments.prompts, arguments.template)
    if model.endpoint is not None:
        _check_api(model.endpoint.api, template, f"{arguments.prompts}: {arguments.template}")
    settings = EngineSettings(
        **{field.name: getattr(arguments, field.name) for field in fields(EngineSettings)}
    )
    shard = Shard(
        model=model.name,
        model_revision=model.revision,
        benchmark=benchmark["benchmark"],
        protocol=benchmark["protocol"],
        questions_sha256=questions_digest(problems),
        template_name=arguments.template,
        template=template,
        parameters=SamplingParameters(
            arguments.temperature, arguments.top_p, arguments.max_tokens, template.end
        ),
        dtype=settings.dtype,
        max_model_len=settings.max_model_len,
        seed=arguments.seed,
        number=arguments.shard,
        size=arguments.shard_size,
        # A text is what it is at any size of pictures.
        pixel_limits=settings.pixel_limits if problems["images"].notna().any() else PixelLimits(),
    )
    draw_shard(
        shard,
        problems,
        lambda: _open_engine(arguments.engine, model, settings),
        keep=arguments.keep or arguments.output.with_name("kept"),
        output=arguments.output,
    )


def _open_engine(name: str, model: ModelRecord, settings: EngineSettings) -> Engine:
    """Open an engine on GPUs that no other job has; an endpoint takes none."""
    from boundary.sampling.engines import open_engine
    from boundary.sampling.gpus import claim_gpus

    if model.endpoint is None:
        claim_gpus(settings.gpus)
    return open_engine(name, model, settings)


def _check_api(api: str, template: Template, place: str) -> None:
    """Refuse templates that an endpoint's ``api`` cannot render."""
    if template.begins and api == "chat":
        raise BoundaryError(
            f"{place} begins the response, which an endpoint's chat cannot; use its api completions, or a "
            "template that asks for it in words"
        )
    if template.chat and api == "completions":
        raise BoundaryError(
            f"{place} is a message (chat: true), and nobody here knows the chat template of an endpoint's "
            "model; use its api chat, or a template that writes the dialogue itself"
        )
