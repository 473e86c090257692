"""Loading a checkpoint to train it further."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_checkpoint(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model (float32, evaluation mode: no dropout while sampling or updating) and tokenizer.

    Raises BoundaryError if the tokenizer names no token that ends a response.
    """
    import torch
    from transformers import AutoConfig, AutoTokenizer

    from boundary.sampling.transformers_loading import library_class

    kind = library_class(AutoConfig.from_pretrained(folder))
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.eos_token_id is None:
        raise BoundaryError(
            f"{folder}: its tokenizer names no end-of-text token, so that no response would ever end; set "
            "eos_token in tokenizer_config.json"
        )
    return model, tokenizer


def padding_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that rows are filled up with: any would do, since nothing is asked of it."""
    return 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
