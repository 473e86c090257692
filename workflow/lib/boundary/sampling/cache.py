"""A key-value cache that is written in place and gives up rows that have finished."""

from __future__ import annotations

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

BLOCK = 32  # positions by which a full buffer grows, at the least


class GrowingLayer(DynamicLayer):
    """Keys and values [rows, heads, positions, width] as views of a larger buffer.

    The library's own layer concatenates, and so copies the whole cache, at every token.
    """

    def __init__(self) -> None:
        super().__init__()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the states of new positions; return all keys and all values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        key_buffer, value_buffer = self._buffers_for(key_states, value_states, start, end)
        key_buffer[:, :, start:end] = key_states
        value_buffer[:, :, start:end] = value_states
        self.keys, self.values = key_buffer[:, :, :end], value_buffer[:, :, :end]
        return self.keys, self.values

    def _buffers_for(
        self, key_states: torch.Tensor, value_states: torch.Tensor, start: int, end: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._buffers is not None and self._buffers[0].shape[2] >= end:
            return self._buffers
        capacity = max(end + BLOCK, start * 3 // 2)
        grown = []
        for new, held in ((key_states, self.keys), (value_states, self.values)):
            rows, heads, _, width = new.shape
            buffer = new.new_empty(rows, heads, capacity, width)
            if start:
                buffer[:, :, :start] = held
            grown.append(buffer)
        self._buffers = (grown[0], grown[1])
        return self._buffers

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep (or repeat) only the rows ``indices``."""
        if self._buffers is not None:
            length = self.get_seq_length()
            keys, values = (buffer[indices] for buffer in self._buffers)
            self._buffers = (keys, values)
            self.keys, self.values = keys[:, :, :length], values[:, :, :length]


def build_cache(config: PreTrainedConfig) -> DynamicCache:
    """The library's cache for this model, its plain attention layers replaced by growing ones."""
    cache = DynamicCache(config=config)
    cache.layers = [
        GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache
