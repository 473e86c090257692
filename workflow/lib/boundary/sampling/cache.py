"""A key-value cache that is written in place, gives up rows, and has rows repeated."""

from __future__ import annotations

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

BLOCK = 32  # positions by which a full buffer grows, at the least


class GrowingLayer(DynamicLayer):
    """Keys and values [rows, heads, positions, width] as views of buffers that have room for more of both.

    The library's own layer concatenates, and so copies the whole cache, at every token. ``rows`` is how
    many there will be at most.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._buffers: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the states of new positions; return all keys and all values."""
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._buffers = [self._room(new, end + BLOCK) for new in (key_states, value_states)]
        elif end > self._buffers[0].shape[2]:
            self._refill([self.keys, self.values], max(end + BLOCK, start * 3 // 2))
        rows = len(key_states)
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:rows, :, start:end] = states
        self._view(rows, end)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep (or repeat) only the rows ``indices``."""
        if self.is_initialized:
            kept = [self.keys[indices], self.values[indices]]
            self._refill(kept, self._buffers[0].shape[2])

    def append_rows(self, indices: torch.Tensor) -> None:
        """Put copies of the rows ``indices`` behind all others, which stay where they are."""
        rows, length = len(self.keys), self.get_seq_length()
        for buffer in self._buffers:
            buffer[rows : rows + len(indices), :, :length] = buffer[indices, :, :length]
        self._view(rows + len(indices), length)

    def _room(self, like: torch.Tensor, positions: int) -> torch.Tensor:
        _, heads, _, width = like.shape
        return like.new_empty(self._rows, heads, positions, width)

    def _refill(self, contents: list[torch.Tensor], positions: int) -> None:
        self._buffers = [self._room(states, positions) for states in contents]
        rows, length = len(contents[0]), contents[0].shape[2]
        for buffer, states in zip(self._buffers, contents, strict=True):
            buffer[:rows, :, :length] = states
        self._view(rows, length)

    def _view(self, rows: int, length: int) -> None:
        self.keys, self.values = (buffer[:rows, :, :length] for buffer in self._buffers)


def build_cache(config: PreTrainedConfig, rows: int) -> DynamicCache:
    """The library's cache for this model, its plain attention layers replaced by growing ones.

    It will never hold more than ``rows``.
    """
    cache = DynamicCache(config=config)
    cache.layers = [
        GrowingLayer(rows) if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache


def append_rows(cache: DynamicCache, held: int, indices: torch.Tensor) -> None:
    """Put copies of the rows ``indices`` behind the ``held`` rows of the cache; there may be none."""
    if len(indices) == 0:
        return
    everything = torch.cat([torch.arange(held, device=indices.device), indices])
    for layer in cache.layers:
        if isinstance(layer, GrowingLayer):
            layer.append_rows(indices)
        else:
            layer.batch_select_indices(everything)
