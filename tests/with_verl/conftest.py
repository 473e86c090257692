"""A base to train from, by its tokenizer and configuration alone, and VeRL's configuration of a recipe."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def byte_tokenizer():
    """A token a byte, nothing put before a text (as Qwen's), so that any response can be written."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {token: i for i, token in enumerate(letters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=letters[0],
        pad_token=letters[0],
        chat_template="its own: {{ messages }}",
    )


@pytest.fixture(scope="session")
def base(tmp_path_factory, byte_tokenizer):
    """A folder with a model's tokenizer and configuration; VeRL's own reads no weights."""
    from transformers import LlamaConfig

    folder = tmp_path_factory.mktemp("base")
    LlamaConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=len(byte_tokenizer),
        max_position_embeddings=20_480,
        architectures=["LlamaForCausalLM"],
    ).save_pretrained(folder)
    byte_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def composed():
    """VeRL's own configuration under our overrides."""
    from boundary.training.verl_runs.overrides import overrides
    from hydra import compose, initialize_config_module

    def compose_of(recipe, run):
        with initialize_config_module("verl.trainer.config", version_base=None):
            return compose("ppo_trainer", overrides=overrides(recipe, run))

    return compose_of
