"""Loading a checkpoint to train it further."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


# Of pictures and of videos, and of both and the tokenizer: transformers reads whichever is there.
PROCESSOR_FILES = (
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
)


@dataclass(frozen=True)
class ProcessorFiles:
    """What a checkpoint says of how pictures are shown to it; a training on texts leaves that as it is."""

    folder: Path

    def save_pretrained(self, folder: Path) -> None:
        """Copy the files that are there into the ``folder`` of another checkpoint."""
        for name in PROCESSOR_FILES:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)


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
