"""What a configuration tells of a model: what it reads, and what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def reads_images(config: PreTrainedConfig) -> bool:
    """Whether the model reads pictures beside text, as Qwen2.5-VL does."""
    return hasattr(config, "vision_config") and hasattr(config, "image_token_id")


def context_length(config: PreTrainedConfig) -> int:
    """Longest sequence in tokens that the model was made for."""
    return int(config.get_text_config().max_position_embeddings)


def cache_bytes_a_token(config: PreTrainedConfig, item_size: int) -> int:
    """Bytes of keys and values that one token of one row takes over all layers."""
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * item_size)
