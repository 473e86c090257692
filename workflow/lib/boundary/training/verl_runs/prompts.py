"""The file of problems that VeRL trains on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow
import pyarrow.parquet

from boundary.data.atomic import atomic_path
from boundary.data.records import read_records
from boundary.errors import BoundaryError
from boundary.training.verl_runs.reward import ground_truth

if TYPE_CHECKING:
    from boundary.sampling.encoding import Encoding
    from boundary.sampling.prompts import Template
    from boundary.verification.policy import Policy


class Prompts(NamedTuple):
    """Problems as VeRL reads them, and the longest prompt in tokens."""

    rows: list[dict[str, Any]]
    longest: int

    def write(self, output: Path) -> None:
        """Write them as Parquet."""
        with atomic_path(output) as temporary:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(self.rows), temporary)


def pose_prompts(
    problems: Path, domain: str, template: Template, policy: Policy, encoding: Encoding
) -> Prompts:
    """The problems of a file, of one domain, each with what its responses are judged by.

    A prompt is VeRL's message as it is: see ``overrides.RAW_PROMPT``. Its tokens are those that the model
    is sampled with; raises BoundaryError, naming the problem, where they would be others.
    """
    columns = ["problem_id", "question", "gold", "meta", "tests"]
    rows: list[dict[str, Any]] = []
    longest = 0
    records = read_records(problems, "problem", columns).itertuples(index=False)
    for index, (problem, question, gold, meta, tests) in enumerate(records):
        prompt = template.render(question)
        token_ids = encoding.prompt_ids(prompt)
        message = _as_message(prompt, token_ids, encoding, f"{problems}: problem {problem}")
        longest = max(longest, len(token_ids))
        rows.append(
            {
                "data_source": problem,
                "prompt": [{"role": "user", "content": message}],
                "reward_model": {"ground_truth": ground_truth(domain, policy, gold, meta, tests)},
                "extra_info": {"index": index},
            }
        )
    return Prompts(rows, longest)


def _as_message(prompt: str, token_ids: list[int], encoding: Encoding, place: str) -> str:
    """The text whose tokens are a prompt's when nothing is put before them, as VeRL has it."""
    tokenizer = encoding.tokenizer
    bos = tokenizer.bos_token_id
    begun = (
        bos is not None and token_ids[:1] == [bos] and not prompt.startswith(tokenizer.bos_token)
    )
    message = tokenizer.bos_token + prompt if begun else prompt
    if tokenizer(message, add_special_tokens=False)["input_ids"] != token_ids:
        raise BoundaryError(
            f"{place}: {encoding.checkpoint}: its tokenizer puts tokens around a prompt that no text has, "
            "which VeRL cannot be told; train from a base whose tokenizer puts at most one before it"
        )
    return message
