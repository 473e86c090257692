"""The miniature's tokenizers: one token a character, and one for what every response repeats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boundary.miniature.worlds import World

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS, UNKNOWN = "<pad>", "<bos>", "<eos>", "<unk>"
# Qwen-VL's: a picture stands between the first and the last, and is the second.
VISION = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>")
REPEATED: dict[World, str] = {
    "arithmetic": "\\boxed{",
    "functions": "def f(x): return ",
    "pictures": "\\boxed{",
}
ALPHABETS: dict[World, str] = {
    "arithmetic": "0123456789+-*= }",
    "functions": "0123456789+-*=(),:fx",
    "pictures": "0123456789+-*= }?",
}


def build_tokenizer(world: World = "arithmetic") -> PreTrainedTokenizerFast:
    """A fast tokenizer that puts ``<bos>`` before every text and decodes without loss."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vision = VISION if world == "pictures" else ()
    tokens = [PAD, BOS, EOS, UNKNOWN, *ALPHABETS[world], REPEATED[world], *vision]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.add_special_tokens(list(vision))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(f"{re.escape(REPEATED[world])}|."), behavior="isolated"
    )
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, vocabulary[BOS])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
    )
