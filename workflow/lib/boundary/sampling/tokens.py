"""Texts as token ids: how prompts begin and responses end, alike for samplers and trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """A prompt as token ids, behind the token that begins a text, once, if this tokenizer has one."""
    bos = tokenizer.bos_token
    written = bos is not None and prompt.startswith(bos)
    return tokenizer(prompt, add_special_tokens=not written)["input_ids"]


def end_ids(configured: int | Sequence[int] | None, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The tokens that end a response: those of the generation's configuration, and the tokenizer's own."""
    listed = [configured] if configured is None or isinstance(configured, int) else configured
    return {*listed, tokenizer.eos_token_id} - {None}


def response_text(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int], ended: bool) -> str:
    """A response's text: without special tokens, and without the one that ``ended`` it."""
    return tokenizer.decode(token_ids[:-1] if ended else token_ids, skip_special_tokens=True)


def unknown_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """What stands for all that the tokenizer cannot write: none or one.

    In some tokenizers, which can write every text, it is another special token's.
    """
    others = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    return {tokenizer.unk_token_id} - others - {None}
