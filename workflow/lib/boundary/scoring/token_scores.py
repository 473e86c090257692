"""Log-likelihood and entropy of tokens from hidden states, in memory that does not grow with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

FLOATS_A_LOGIT = 2  # float32 numbers alive at once: the logit and its exponential


class TokenScores(NamedTuple):
    """Float32 [positions], nats: minus the log-probability of the target, and the entropy."""

    nll: torch.Tensor
    entropy: torch.Tensor


@torch.inference_mode()
def token_scores(
    hidden: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
    vocabulary: int,
    targets: torch.Tensor,
    temperature: float,
    max_bytes: int,
) -> TokenScores:
    """Score ``targets`` [positions] by the distributions that ``head`` makes of ``hidden``.

    ``hidden`` is [positions, width]; ``head`` is called with as many of its rows as let float32 logits
    [rows, vocabulary] and exponentials stay within ``max_bytes``, one at least, and what it returns is
    overwritten. The NLL is at
    temperature 1, the entropy that of softmax(logits / temperature), and 0 at temperature 0.
    """
    rows = max(1, max_bytes // (4 * FLOATS_A_LOGIT * vocabulary))
    nll = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
    entropy = torch.empty_like(nll)
    for start in range(0, len(hidden), rows):
        part = slice(start, start + rows)
        nll[part], entropy[part] = _score(head(hidden[part]).float(), targets[part], temperature)
    return TokenScores(nll, entropy)


def _score(logits: torch.Tensor, targets: torch.Tensor, temperature: float) -> TokenScores:
    """Of float32 logits [rows, vocabulary], which are overwritten.

    Less the largest of their row, no exponential overflows and their sum is at least 1. With x such a
    logit over the temperature, the entropy is log(sum exp x) - sum(x exp x) / sum(exp x).
    """
    logits.sub_(logits.amax(-1, keepdim=True))
    chosen = logits.gather(-1, targets[:, None]).squeeze(-1)
    exponentials = logits.exp()
    total = exponentials.sum(-1)
    nll = total.log() - chosen
    if temperature == 0:
        return TokenScores(nll, torch.zeros_like(nll))
    if temperature != 1:
        logits.div_(temperature)
        torch.exp(logits, out=exponentials)
        total = exponentials.sum(-1)
    return TokenScores(nll, total.log() - exponentials.mul_(logits).sum(-1) / total)
