"""Showing pictures to a vision-language model: a picture's tokens are numbers beyond the vocabulary.

In a prompt as it is written one placeholder token stands for a picture, and a model reads one for every
few of its patches. Here these are written as a number of that picture's own, from the vocabulary's size on.
Rows of token ids then say all that a model reads: equal rows show the same pictures, and whoever decodes,
scores or learns from rows need not know of pictures. What they are is put in where the model's layers are
called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad

from boundary.errors import BoundaryError
from boundary.images.placing import place_images
from boundary.images.processing import ProcessedImage

if TYPE_CHECKING:
    from transformers import PreTrainedModel

KNOWN_MODELS = ("qwen2_vl", "qwen2_5_vl")
PATCHES_TOGETHER = 16_384  # that go through the vision tower at once, or those of one picture


class ShownImages:
    """The pictures that a model is shown at present, by their numbers."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.vocabulary = int(model.config.get_text_config().vocab_size)
        self.placeholder = int(model.config.image_token_id)
        self.merged = int(model.config.vision_config.spatial_merge_size) ** 2  # patches a token
        self.images: dict[int, ProcessedImage] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> ShownImages:
        """Copies of a model see the same."""
        return self

    def show(self, images: Iterable[ProcessedImage]) -> None:
        """Show these in place of all others, numbered in their order."""
        self.images = dict(enumerate(images))

    def add(self, image: ProcessedImage) -> int:
        """Show one more; its number."""
        number = len(self.images)
        self.images[number] = image
        return number

    def write(self, token_ids: Sequence[int], numbers: Sequence[int]) -> list[int]:
        """A prompt's tokens with the pictures of ``numbers`` in place of its placeholders, one each.

        Raises BoundaryError, as place_images, if there are not as many of both.
        """
        runs = [
            [self.vocabulary + number] * (len(self.images[number].patches) // self.merged)
            for number in numbers
        ]
        return place_images(token_ids, self.placeholder, runs)

    def embed(self, layers: Any, token_ids: torch.Tensor) -> torch.Tensor:
        """What ``layers`` read where rows [rows, tokens] show pictures: [rows, tokens, width]."""
        is_image = token_ids >= self.vocabulary
        texts = layers.get_input_embeddings()(token_ids.masked_fill(is_image, self.placeholder))
        numbers = self._in_order(token_ids)
        distinct = sorted(set(numbers))
        features = dict(zip(distinct, self._features(layers, distinct), strict=True))
        parts = torch.cat([features[number] for number in numbers])
        return texts.masked_scatter(is_image[..., None], parts.to(texts.dtype))

    def positions(
        self, layers: Any, token_ids: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Positions [3, rows, tokens] in time, height and width: a picture's tokens lie on its grid.

        ``mask`` [rows, tokens] is not 0 where a row is no padding.
        """
        is_image = token_ids >= self.vocabulary
        grids = [self.images[number].grid for number in self._in_order(token_ids)]
        positions, _ = layers.get_rope_index(
            token_ids.masked_fill(is_image, self.placeholder),
            mm_token_type_ids=is_image.int(),
            image_grid_thw=torch.tensor(grids, device=token_ids.device),
            attention_mask=mask,
        )
        return positions

    def _in_order(self, token_ids: torch.Tensor) -> list[int]:
        """Numbers of the pictures, row after row, as they stand there with other tokens between them."""
        before = pad(token_ids[:, :-1], (1, 0), value=-1)
        begins = (token_ids >= self.vocabulary) & (token_ids != before)
        return (token_ids[begins] - self.vocabulary).tolist()

    def _features(self, layers: Any, numbers: Sequence[int]) -> list[torch.Tensor]:
        """What the vision tower makes of pictures, [tokens, width] each."""
        features: list[torch.Tensor] = []
        for together in self._pieces(numbers):
            images = [self.images[number] for number in together]
            device = layers.device
            output = layers.get_image_features(
                torch.cat([image.patches for image in images]).to(device),
                torch.tensor([image.grid for image in images], device=device),
                return_dict=True,
            )
            features += output.pooler_output
        return features

    def _pieces(self, numbers: Sequence[int]) -> list[list[int]]:
        pieces: list[list[int]] = []
        patches = PATCHES_TOGETHER
        for number in numbers:
            size = len(self.images[number].patches)
            if patches + size > PATCHES_TOGETHER:
                pieces.append([])
                patches = 0
            pieces[-1].append(number)
            patches += size
        return pieces


def show_images(model: PreTrainedModel) -> ShownImages:
    """Make a model read pictures in rows of token ids; what it is shown is then what this returns.

    Copies of the model, and of its layers, see the same. Raises BoundaryError for a model that puts
    pictures into more than its first layer, or of which that is not known.
    """
    if model.config.model_type not in KNOWN_MODELS:
        raise BoundaryError(
            f"{model.name_or_path}: a model of type {model.config.model_type}; pictures are shown to "
            f"{' and '.join(KNOWN_MODELS)} alone by transformers here. It can be sampled with vllm, and "
            "neither be scored nor trained"
        )
    shown = ShownImages(model)

    def see(layers: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        token_ids = keywords.get("input_ids")
        if token_ids is None or not bool((token_ids >= shown.vocabulary).any()):
            return None  # as it is
        seen = {"input_ids": None, "inputs_embeds": shown.embed(layers, token_ids)}
        if keywords.get("position_ids") is None:
            mask = keywords.get("attention_mask")
            seen["position_ids"] = shown.positions(layers, token_ids, mask)
        return arguments, keywords | seen

    model.base_model.register_forward_pre_hook(see, with_kwargs=True)
    model.shown_images = shown
    return shown


def prompt_positions(
    model: PreTrainedModel, token_ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Positions of left-padded prompts: [rows, tokens], or [3, rows, tokens] where they show pictures."""
    shown = getattr(model, "shown_images", None)
    if shown is not None and bool((token_ids >= shown.vocabulary).any()):
        return shown.positions(model.base_model, token_ids, mask)
    return (mask.long().cumsum(-1) - 1).clamp(min=0)
