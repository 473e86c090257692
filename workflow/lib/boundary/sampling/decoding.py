"""Decoding rows together: prompts are prefilled once, what rows share is computed once, finished ones go.

Every row draws its tokens from its own stream of uniform numbers by inverse transform, so that what a
row says does not depend on which rows share its batch (but for floating-point rounding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import pad
from transformers import PreTrainedModel

from boundary.errors import BoundaryError
from boundary.images.shown import prompt_positions
from boundary.sampling.cache import append_rows, build_cache

KEEP_SHARE = 0.9  # of the branches held: where fewer would have a row, the others are cleared away


@dataclass(frozen=True)
class Decoded:
    """One row's tokens; ``log_probabilities`` are the model's own, at temperature 1, in nats."""

    row: int
    token_ids: list[int]
    log_probabilities: list[float]
    finished: bool


def choose_tokens(
    log_probabilities: torch.Tensor, uniforms: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    """Draw one token a row [rows] from ``log_probabilities`` [rows, vocabulary].

    ``uniforms`` [rows] lie in [0, 1). Temperature 0 is greedy. Nucleus sampling (``top_p`` < 1) keeps
    the smallest set of most probable tokens whose probability reaches ``top_p``.
    """
    if temperature == 0:
        return log_probabilities.argmax(-1)
    probabilities = (log_probabilities / temperature).softmax(-1).double()
    order = None
    if top_p < 1:
        probabilities, order = probabilities.sort(-1, descending=True)
        before = probabilities.cumsum(-1) - probabilities
        probabilities = probabilities.masked_fill(before >= top_p, 0.0)
    cumulative = probabilities.cumsum(-1)
    target = uniforms.double()[:, None] * cumulative[:, -1:]
    # A uniform number below 1 leaves the target below the last sum: no token beyond the vocabulary.
    drawn = torch.searchsorted(cumulative, target, right=True)
    return (drawn if order is None else order.gather(-1, drawn)).squeeze(-1)


class Batch:
    """The rows being decoded together: those that have said the same so far are one branch.

    A branch is computed once, whatever the number of its rows [rows], and parts where they do. Where a
    model is sure of itself, or the same is asked many times, branches are far fewer than rows.
    """

    def __init__(
        self, model: PreTrainedModel, prompts: Sequence[Sequence[int]], repeats: Sequence[int]
    ) -> None:
        device = model.device
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        width = int(lengths.max())
        tokens = torch.zeros(len(prompts), width, dtype=torch.long)
        mask = torch.arange(width)[None, :] >= (width - lengths)[:, None]
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
        self.model = model
        self.most_branches = sum(repeats)
        self.cache = build_cache(model.config, self.most_branches)
        tokens, mask = tokens.to(device), mask.to(device)
        # Rows of one length need no mask, and attention without one is faster.
        self.mask = None if bool(mask.all()) else mask
        positions = prompt_positions(model, tokens, mask)
        # A picture takes fewer positions than it has tokens.
        self.next_position = positions.view(-1, *tokens.shape).amax(dim=(0, 2)) + 1
        self.branch_of = torch.repeat_interleave(torch.tensor(repeats)).to(device)
        self.branch_scores = self._forward(tokens, positions)

    @property
    def scores(self) -> torch.Tensor:
        """Log-probabilities of each row's next token [rows, vocabulary]."""
        return self.branch_scores[self.branch_of]

    def _forward(self, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        output = self.model(
            input_ids=tokens,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        scores: torch.Tensor = output.logits[:, -1].float().log_softmax(-1)
        if scores.isnan().any():
            raise BoundaryError(
                f"{self.model.name_or_path}: the model's output is not a number; its weights are "
                "damaged, or its number format overflows here"
            )
        return scores

    def advance(self, going: torch.Tensor, tokens: torch.Tensor) -> None:
        """Append one of ``tokens`` to each of the rows that are ``going``; the others leave.

        ``going`` [rows] is boolean; ``tokens`` has as many as go on. Computes their next scores.
        """
        vocabulary = self.branch_scores.shape[1]
        said, new_branch_of = torch.unique(
            self.branch_of[going] * vocabulary + tokens, return_inverse=True
        )
        parents, next_tokens = said // vocabulary, said % vocabulary
        places = self._place(parents)
        self.branch_of = places[new_branch_of]
        # A branch without a row that has not been cleared away says nothing, and stays where it is: its
        # position must not leave the context.
        alive = torch.zeros_like(self.next_position).index_fill(0, places, 1)
        inputs = torch.zeros_like(self.next_position).index_copy(0, places, next_tokens)
        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(inputs), 1)], dim=-1)
        self.branch_scores = self._forward(inputs[:, None], self.next_position[:, None])
        self.next_position = self.next_position + alive

    def _place(self, parents: torch.Tensor) -> torch.Tensor:
        """Make a branch for each of ``parents`` (sorted), the branches that it goes on from; return where.

        The first child of a branch takes its place, others are put behind all. Where too many would be
        left without a row, all are moved instead.
        """
        held = len(self.next_position)
        is_first = torch.ones_like(parents, dtype=torch.bool)
        is_first[1:] = parents[1:] != parents[:-1]
        others = parents[~is_first]
        wanted = held + len(others)
        if wanted > self.most_branches or len(parents) < KEEP_SHARE * wanted:
            self.cache.batch_select_indices(parents)
            sources, places = parents, torch.arange(len(parents), device=parents.device)
        else:
            append_rows(self.cache, held, others)
            sources = torch.cat([torch.arange(held, device=parents.device), others])
            places = torch.where(is_first, parents, held - 1 + (~is_first).cumsum(0))
        self.next_position = self.next_position[sources]
        if self.mask is not None:
            self.mask = self.mask[sources]
        return places


def _longest(uniforms: Sequence[torch.Tensor]) -> int:
    return max(streams.shape[1] for streams in uniforms)


@torch.inference_mode()
def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    uniforms: Sequence[torch.Tensor],
    *,
    temperature: float,
    top_p: float,
    end_ids: Sequence[int],
) -> Iterator[list[Decoded]]:
    """Continue each prompt once for every row of its ``uniforms`` [rows, new tokens].

    Rows are numbered through, prompt after prompt. Yields, token by token, those that finish: at a
    token of ``end_ids`` (which is part of the row) or when their uniform numbers are used up.
    """
    device = model.device
    batch = Batch(model, prompts, [len(streams) for streams in uniforms])
    streams = torch.cat([pad(s, (0, _longest(uniforms) - s.shape[1])) for s in uniforms]).to(device)
    limits = torch.cat([torch.full((len(s),), s.shape[1]) for s in uniforms]).to(device)
    tokens = torch.zeros(streams.shape, dtype=torch.long, device=device)
    scores = torch.zeros(streams.shape, device=device)
    ends = torch.tensor(list(end_ids), device=device)
    rows = torch.arange(len(streams), device=device)  # that are still being decoded
    for step in range(streams.shape[1]):
        row_scores = batch.scores
        chosen = choose_tokens(row_scores, streams[rows, step], temperature, top_p)
        tokens[rows, step] = chosen
        scores[rows, step] = row_scores.gather(-1, chosen[:, None]).squeeze(-1)
        ended = torch.isin(chosen, ends)
        done = ended | (limits[rows] == step + 1)
        length = step + 1
        yield [
            Decoded(row, tokens[row, :length].tolist(), scores[row, :length].tolist(), finished)
            for row, finished in zip(rows[done].tolist(), ended[done].tolist(), strict=True)
        ]
        going = ~done
        rows = rows[going]
        if len(rows) == 0:
            return
        batch.advance(going, chosen[going])
