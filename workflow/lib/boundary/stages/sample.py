"""Stage sample: draw one shard of a cell's samples."""

from __future__ import annotations

import argparse
from pathlib import Path

from boundary.sampling.engines import ENGINES

HELP = "draw one shard of samples; resumes from its journal after a crash"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--model", type=Path, required=True, help="model.json of the model")
    parser.add_argument("--problems", type=Path, required=True, help="problems.parquet to pose")
    parser.add_argument("--template", required=True, help="name of the prompt template")
    parser.add_argument(
        "--prompts", type=Path, default=Path("config/prompts.yaml"), help="file of the templates"
    )
    parser.add_argument("--temperature", type=float, default=0.6, help="0 is greedy (default: 0.6)")
    parser.add_argument("--top-p", type=float, default=0.95, help="1 is off (default: 0.95)")
    parser.add_argument(
        "--max-tokens", type=int, default=16384, help="longest response (default: 16384)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the sampling (default: 0)")
    parser.add_argument("--shard", type=int, default=0, help="number of the shard (default: 0)")
    parser.add_argument(
        "--shard-size", type=int, default=32, help="samples of every problem (default: 32)"
    )
    parser.add_argument(
        "--engine", choices=sorted(ENGINES), default="transformers", help="back end"
    )
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="where samples are safe: a journal until the shard is sealed, then the shard once more "
        "(default: `kept` beside the output)",
    )
    parser.add_argument("--output", type=Path, required=True, help="shard to write (.parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Draw what the journal does not hold yet, then seal the shard."""
    from boundary.data.model_record import read_model_record
    from boundary.data.provenance import questions_digest
    from boundary.data.records import read_provenance, read_records
    from boundary.sampling.engine import SamplingParameters
    from boundary.sampling.engines import open_engine
    from boundary.sampling.prompts import load_template
    from boundary.sampling.shard import Shard, draw_shard

    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    model = read_model_record(arguments.model)
    benchmark = read_provenance(arguments.problems)
    problems = read_records(arguments.problems, "problem")
    shard = Shard(
        model=model.name,
        model_revision=model.revision,
        benchmark=benchmark["benchmark"],
        protocol=benchmark["protocol"],
        questions_sha256=questions_digest(problems["problem_id"], problems["question"]),
        template_name=arguments.template,
        template=load_template(arguments.prompts, arguments.template),
        parameters=SamplingParameters(arguments.temperature, arguments.top_p, arguments.max_tokens),
        seed=arguments.seed,
        number=arguments.shard,
        size=arguments.shard_size,
    )
    draw_shard(
        shard,
        problems,
        lambda: open_engine(arguments.engine, model.checkpoint),
        keep=arguments.keep or arguments.output.with_name("kept"),
        output=arguments.output,
    )
