"""Stage score: perplexity and entropy of a cell's responses under a model, theirs or another."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.arguments import at_least, not_negative
from boundary.sampling.loading import add_loading_arguments
from boundary.scoring.scorer import ScorerSettings
from boundary.scoring.scorers import DEFAULT, SCORERS

if TYPE_CHECKING:
    from boundary.sampling.encoding import Encoding
    from boundary.scoring.scorer import Scorer

HELP = "score responses under a model: log-likelihood, and entropy of its distribution"
EXAMPLES = """\
examples:
  what the base makes of the RL model's responses, 16 of each problem:
    boundary score --scorer base.json --samples rl-[0-9]*.parquet --problems problems.parquet \\
        --template simplerl --responses 16 --output rl-under-base.parquet
  only some problems, two by a seed:
    boundary benchmarks --name mine --part-of problems.parquet --subset '{"problems": 2, "seed": 0}' \\
        --output two.parquet
  the perplexity of a response is exp(nll_sum / n_tokens); what could not be scored has no nll_sum, and the
  reason in `detail`:
    python -c "import pandas, numpy; t = pandas.read_parquet('rl-under-base.parquet'); \\
        print(numpy.exp(t.nll_sum / t.n_tokens).describe())"

The same command again goes on where a killed one was.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's arguments."""
    parser.add_argument("--scorer", type=Path, required=True, help="model.json of who scores")
    parser.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="the cell's shards of samples"
    )
    parser.add_argument(
        "--problems", type=Path, required=True, help="problems.parquet; only these are scored"
    )
    parser.add_argument(
        "--template", required=True, help="name of the prompt template they were sampled with"
    )
    parser.add_argument(
        "--prompts", type=Path, default=Path("config/prompts.yaml"), help="file of the templates"
    )
    parser.add_argument(
        "--responses", type=at_least(1), help="how many of each problem to choose (default: all)"
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="seed of which these are (default: 0)"
    )
    parser.add_argument(
        "--temperature",
        type=not_negative,
        help="of the entropy; the likelihood is at 1 (default: what they were sampled with, which imported "
        "samples do not tell)",
    )
    parser.add_argument("--threads", type=at_least(1), help="CPU threads")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="where scores are safe until all are there (default: `kept` beside the output)",
    )
    parser.add_argument("--output", type=Path, required=True, help="score records (.parquet)")
    _add_scorer_arguments(parser.add_argument_group("scorer"))


def _add_scorer_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--engine",
        choices=list(SCORERS),
        default=DEFAULT,
        help="vllm tells no entropy (default: %(default)s)",
    )
    add_loading_arguments(group)
    group.add_argument(
        "--megabytes",
        type=at_least(1),
        default=ScorerSettings.megabytes,
        help="memory beside the weights (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Score what the journal does not hold yet, then write all scores."""
    from boundary.data.model_record import read_model_record
    from boundary.data.provenance import QUESTION_COLUMNS, file_digest
    from boundary.data.records import read_records
    from boundary.sampling.encoding import Encoding
    from boundary.sampling.posing import posed
    from boundary.sampling.prompts import load_template
    from boundary.scoring.cell import score_cell
    from boundary.scoring.responses import Preparation
    from boundary.scoring.samples import SampledCell

    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    settings = ScorerSettings(
        **{field.name: getattr(arguments, field.name) for field in fields(ScorerSettings)}
    )
    template = load_template(arguments.prompts, arguments.template)
    problems = read_records(arguments.problems, "problem", QUESTION_COLUMNS)
    cell = SampledCell(arguments.samples, arguments.problems, template)
    temperature = cell.temperature if arguments.temperature is None else arguments.temperature
    scorer = read_model_record(arguments.scorer)
    encoding = Encoding(scorer.checkpoint, settings.max_model_len, settings.pixel_limits)
    encoding.check_template(template.text)
    chosen = cell.choose(list(problems["problem_id"]), arguments.responses, arguments.seed)
    preparation = Preparation(
        encoding,
        template,
        posed(problems, template),
        same_vocabulary=cell.vocabularies == {encoding.vocabulary_digest},
    )
    if template.chat:
        cell.check_chat_template(encoding.digests["chat_template_sha256"])
    cell.check_pixel_limits(encoding.images_record)
    score_cell(
        cell.prepare(preparation, chosen),
        lambda: _open_scorer(arguments.engine, encoding, settings),
        scorer=scorer.name,
        temperature=temperature,
        identity={
            "scorer_revision": scorer.revision,
            "engine": arguments.engine,
            "dtype": settings.dtype,
            "max_model_len": settings.max_model_len,
            **(settings.pixel_limits.given if problems["images"].notna().any() else {}),
            "samples_sha256": [file_digest(path) for path in arguments.samples],
            "questions_sha256": cell.questions_sha256,
            "template_sha256": template.digest,
            "responses": arguments.responses,
            "seed": arguments.seed,
            "temperature": temperature,
        },
        about=cell.about | {"template": arguments.template},
        keep=arguments.keep or arguments.output.with_name("kept"),
        output=arguments.output,
    )


def _open_scorer(name: str, encoding: Encoding, settings: ScorerSettings) -> Scorer:
    """Open a scorer on GPUs that no other job has."""
    from boundary.sampling.gpus import claim_gpus
    from boundary.scoring.scorers import open_scorer

    claim_gpus(settings.gpus)
    return open_scorer(name, encoding, settings)
