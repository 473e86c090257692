"""The miniature's architectures, in Hugging Face format: a small Llama, and a small Qwen2.5-VL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boundary.miniature.tokenizer import VISION

if TYPE_CHECKING:
    from transformers import (
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
        Qwen2_5_VLForConditionalGeneration,
    )

    from boundary.images.processing import ImageProcessor


def build_model(
    tokenizer: PreTrainedTokenizerFast,
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    context: int,
    seed: int,
) -> LlamaForCausalLM:
    """A Llama with random weights drawn from ``seed``, in float32 and evaluation mode.

    The feed-forward width is 8/3 of the hidden size, as in Llama, rounded up to a multiple of 32.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        intermediate_size=_feed_forward(hidden_size),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    return LlamaForCausalLM(config).eval()


def build_vision_language_model(
    tokenizer: PreTrainedTokenizerFast,
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    context: int,
    vision: dict[str, int],
    seed: int,
) -> Qwen2_5_VLForConditionalGeneration:
    """A Qwen2.5-VL with random weights drawn from ``seed``, in float32 and evaluation mode.

    ``vision`` has hidden_size, layers and heads of the vision tower, whose last layer alone attends to the
    whole picture, as every eighth of Qwen2.5-VL's does; the others do in windows of 56 pixels.
    """
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(seed)
    begin, image, end, video = tokenizer.convert_tokens_to_ids(list(VISION))
    rotary = hidden_size // heads // 2
    side = (rotary - rotary // 4) // 2  # a quarter for time, as in Qwen2.5-VL
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden_size,
            "intermediate_size": _feed_forward(hidden_size),
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": context,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [rotary - 2 * side, side, side],
            },
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "depth": vision["layers"],
            "hidden_size": vision["hidden_size"],
            "num_heads": vision["heads"],
            "intermediate_size": 2 * vision["hidden_size"],
            "out_hidden_size": hidden_size,
            "window_size": 56,
            "fullatt_block_indexes": [vision["layers"] - 1],
        },
        vision_start_token_id=begin,
        image_token_id=image,
        vision_end_token_id=end,
        video_token_id=video,
        tie_word_embeddings=False,
        dtype="float32",
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def build_image_processor() -> ImageProcessor:
    """Qwen2.5-VL's image processor for the miniature's pictures.

    Mean and deviation of its shades are those of dark print on light paper: with those of photographs the
    paper is all that a small model sees for thousands of steps.
    """
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from boundary.images.processing import ImageProcessor

    return ImageProcessor(
        Qwen2VLImageProcessorPil(
            min_pixels=56 * 56,
            max_pixels=16 * 28 * 28,
            image_mean=[0.88] * 3,
            image_std=[0.3] * 3,
        )
    )


def _feed_forward(hidden_size: int) -> int:
    return -(-hidden_size * 8 // 3 // 32) * 32
