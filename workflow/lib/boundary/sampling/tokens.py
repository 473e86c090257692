"""Texts as token ids: how a prompt begins, and what cannot be said, alike for samplers and trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """A prompt as token ids, behind the token that begins a text, once, if this tokenizer has one."""
    bos = tokenizer.bos_token
    written = bos is not None and prompt.startswith(bos)
    return tokenizer(prompt, add_special_tokens=not written)["input_ids"]


def unknown_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """What stands for all that the tokenizer cannot write: none or one.

    In some tokenizers, which can write every text, it is another special token's.
    """
    others = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    return {tokenizer.unk_token_id} - others - {None}
