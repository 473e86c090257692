"""Tokens per second, peak memory and accuracy of the transformers scorer against plain forward passes.

    ours    the scorer: batches by length, trunk and head apart, logits in chunks; entropy at 0.6 included
    plain   ``model(ids).logits.log_softmax(-1)``, one sequence at a time, no entropy

The two take turns, and the ratio is that of their medians; loading is not counted. Memory is the peak RSS
of a process that scores one response, less that of one that scores a response of a single token. Accuracy
is the largest relative difference of perplexity on 100 responses from a pass in float64. Responses are
random tokens. The checkpoint is one of the miniature's size, another by its path, or SmolLM2-135M, whose
weights tests/real/smollm2.py writes (its packages are needed):

    python tests/benchmarks/scoring_speed.py [--checkpoint FOLDER | --smollm2] [--responses 2000]
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from boundary.miniature.tokenizer import build_tokenizer
from boundary.sampling.encoding import Encoding
from boundary.scoring.scorer import Response, ScorerSettings
from boundary.scoring.transformers_scorer import TransformersScorer
from boundary.training.architecture import build_model
from transformers import AutoModelForCausalLM, PreTrainedModel

PROMPT, SHORTEST, LONGEST = 10, 20, 60  # tokens, as the miniature's
LENGTHS = (512, 2048, 8192)
CHECKED = 100


def build_checkpoint(folder: Path) -> None:
    """A model of the miniature's size with random weights."""
    tokenizer = build_tokenizer()
    sizes = {"hidden_size": 128, "layers": 3, "heads": 4}
    build_model(tokenizer, **sizes, context=16_384, seed=1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_responses(encoding: Encoding, lengths: list[int]) -> list[Response]:
    """Random tokens behind random prompts, cut at the context."""
    draw = random.Random(1)
    vocabulary = encoding.config.get_text_config().vocab_size

    def tokens(n: int) -> list[int]:
        return [draw.randrange(vocabulary) for _ in range(n)]

    room = encoding.context - PROMPT
    return [Response("p", i, tokens(PROMPT), tokens(min(n, room))) for i, n in enumerate(lengths)]


@torch.inference_mode()
def plain(model: PreTrainedModel, response: Response) -> float:
    """The NLL by whole logits, in the model's number format."""
    ids = torch.tensor([[*response.prompt_ids, *response.token_ids]])
    log_probabilities = model(ids).logits.log_softmax(-1)[0, len(response.prompt_ids) - 1 : -1]
    return -float(log_probabilities.gather(-1, ids[0, len(response.prompt_ids) :, None]).sum())


def rate(run: Callable[[], object], responses: list[Response]) -> float:
    """Response tokens per second."""
    started = time.perf_counter()
    run()
    return sum(len(row.token_ids) for row in responses) / (time.perf_counter() - started)


def print_speed(encoding: Encoding, n: int, repeats: int) -> None:
    """Both rates and their ratio."""
    draw = random.Random(2)
    responses = make_responses(encoding, [draw.randint(SHORTEST, LONGEST) for _ in range(n)])
    few = responses[: max(1, n // 4)]  # one at a time, a quarter of them tells the rate as well
    scorer = TransformersScorer(encoding, ScorerSettings(gpus=0))
    model = AutoModelForCausalLM.from_pretrained(encoding.checkpoint).eval()
    list(scorer.score(few[:5], 0.6))
    rates: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(repeats):
        rates["ours"].append(rate(lambda: list(scorer.score(responses, 0.6)), responses))
        rates["plain"].append(rate(lambda: [plain(model, row) for row in few], few))
    ours, theirs = (statistics.median(rates[name]) for name in ("ours", "plain"))
    print(
        f"{n} responses: ours {ours:,.0f}, plain {theirs:,.0f} tokens/s, ratio {ours / theirs:.2f}"
    )


def print_accuracy(encoding: Encoding) -> None:
    """The largest relative difference of perplexity."""
    draw = random.Random(3)
    lengths = [draw.randint(1, LONGEST) for _ in range(CHECKED)]
    responses = make_responses(encoding, lengths)
    model = AutoModelForCausalLM.from_pretrained(encoding.checkpoint, dtype=torch.float64).eval()
    scorer = TransformersScorer(encoding, ScorerSettings(gpus=0))
    worst = 0.0
    for score in (score for batch in scorer.score(responses, 0.6) for score in batch):
        response = responses[score.sample_index]
        difference = (score.nll_sum - plain(model, response)) / len(response.token_ids)
        worst = max(worst, abs(math.expm1(difference)))
    print(f"perplexity on {CHECKED} responses: off by at most {worst:.1e} of float64's", flush=True)


def peak(checkpoint: Path, way: str, length: int, megabytes: int) -> float:
    """Peak RSS in MB of a process that scores one response of ``length`` tokens."""
    one = ["--one", way, str(length), "--checkpoint", checkpoint, "--megabytes", str(megabytes)]
    done = subprocess.run([sys.executable, __file__, *one], check=True, stdout=subprocess.PIPE)
    return float(done.stdout.split()[-1]) / 1024


def score_one(encoding: Encoding, way: str, length: int, megabytes: int) -> None:
    """In a process of its own: print the peak RSS in KB."""
    (response,) = make_responses(encoding, [length])
    if way == "ours":
        list(
            TransformersScorer(encoding, ScorerSettings(0, megabytes=megabytes)).score(
                [response], 0.6
            )
        )
    else:
        plain(AutoModelForCausalLM.from_pretrained(encoding.checkpoint).eval(), response)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def print_memory(encoding: Encoding, megabytes: int) -> None:
    """Peaks over what loading takes, by way and length of the response."""
    for way in ("ours", "plain"):
        least = peak(encoding.checkpoint, way, 1, megabytes)
        peaks = [peak(encoding.checkpoint, way, n, megabytes) - least for n in LENGTHS]
        shown = ", ".join(f"{n:,} tokens {mb:,.0f}" for n, mb in zip(LENGTHS, peaks, strict=True))
        print(f"{way}: {least:,.0f} MB with a single token; more than that: {shown}", flush=True)


def main() -> None:
    """Measure on one checkpoint."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--smollm2", action="store_true")
    parser.add_argument("--responses", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=256, help="of the memory measurements")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, length = arguments.one
        score_one(Encoding(arguments.checkpoint), way, int(length), arguments.megabytes)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.checkpoint or Path(name)
        if arguments.smollm2:
            sys.path.append(str(Path(__file__).parents[1] / "real"))
            from smollm2 import write_checkpoint

            write_checkpoint(folder)
        elif not arguments.checkpoint:
            build_checkpoint(folder)
        encoding = Encoding(folder)
        print(
            f"{torch.get_num_threads()} threads, {encoding.config.vocab_size:,} tokens", flush=True
        )
        print_speed(encoding, arguments.responses, arguments.repeats)
        print_accuracy(encoding)
        print_memory(encoding, arguments.megabytes)


if __name__ == "__main__":
    main()
