"""Rows alike in length go through a network together, and rows that are the same once.

Padding is most of what they would else cost, and of a small model's responses many are said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    Score = Callable[[torch.Tensor], Sequence[torch.Tensor]]

ROWS_TOGETHER = 32


def score_in_pieces(
    score: Score, token_ids: torch.Tensor, mask: torch.Tensor, learned: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """What ``score`` tells of right-padded rows ``token_ids`` [rows, tokens], piece by piece.

    ``score`` takes some of the rows and tells tensors [rows, tokens - 1]. ``mask`` [rows, tokens - 1] has
    the tokens of which it is asked, behind the first token; what lies behind a piece's last is 0. Rows that
    are not ``learned`` [rows] are scored without a gradient, but where one that is says the same.
    """
    learned = torch.ones(len(mask), dtype=torch.bool) if learned is None else learned
    both, same_as = torch.cat([token_ids, mask.long()], dim=1).unique(dim=0, return_inverse=True)
    token_ids, mask = both.split([token_ids.shape[1], mask.shape[1]], dim=1)
    learned = torch.zeros(len(both), dtype=torch.bool).index_fill(0, same_as[learned], True)
    return [part.index_select(0, same_as) for part in _score_each(score, token_ids, mask, learned)]


def _score_each(
    score: Score, token_ids: torch.Tensor, mask: torch.Tensor, learned: torch.Tensor
) -> list[torch.Tensor]:
    columns = torch.arange(2, mask.shape[1] + 2)
    lengths = (mask.bool() * columns).amax(1).clamp(min=2)  # up to the last of them
    by_length = lengths.argsort()
    pieces = [
        (piece, with_gradient)
        for with_gradient in (True, False)
        for piece in by_length[learned[by_length] == with_gradient].split(ROWS_TOGETHER)
        if len(piece)
    ]
    told = []
    for piece, with_gradient in pieces:
        with torch.set_grad_enabled(with_gradient and torch.is_grad_enabled()):
            parts = score(token_ids[piece, : int(lengths[piece].max())])
        told.append([pad(part, (0, mask.shape[1] - part.shape[1])) for part in parts])
    back = torch.cat([piece for piece, _ in pieces]).argsort()
    return [torch.cat(parts)[back] for parts in zip(*told, strict=True)]
