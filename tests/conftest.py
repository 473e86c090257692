"""What several tests share: tiny models in Hugging Face format."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

# vLLM and VeRL ask for other versions than the rest: their tests run in environments of their own
# (`make test`, `make test-verl`).
collect_ignore = [f"with_{name}" for name in ("vllm", "verl") if not find_spec(name)]

ARCHITECTURE = {"hidden_size": 32, "layers": 2, "heads": 2, "context": 64}


@pytest.fixture(scope="session")
def tokenizer():
    from boundary.miniature.tokenizer import build_tokenizer

    return build_tokenizer()


@pytest.fixture(scope="session")
def random_model(tokenizer):
    """An untrained model: its next-token distributions are broad, which is what samplers need.

    Its attention is made strong enough for a wrong position or mask to show in every score.
    """
    from boundary.training.architecture import build_model

    model = build_model(tokenizer, **ARCHITECTURE, seed=5)
    return strengthened(model, model.model.layers)


def strengthened(model, layers):
    """The model, its attention in ``layers`` and its output made strong."""
    for layer in layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
            projection.weight.data *= 12
    model.lm_head.weight.data *= 4
    return model


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory, random_model, tokenizer):
    folder = tmp_path_factory.mktemp("checkpoint")
    random_model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def seeing_tokenizer():
    from boundary.miniature.tokenizer import build_tokenizer

    return build_tokenizer("pictures")


@pytest.fixture(scope="session")
def seeing_model(seeing_tokenizer):
    """An untrained model that reads pictures, made sensitive to what they show and where."""
    from boundary.training.architecture import build_vision_language_model
    from pictures import SEEING

    model = build_vision_language_model(seeing_tokenizer, **SEEING, seed=5)
    return strengthened(model, model.model.language_model.layers)


@pytest.fixture(scope="session")
def seeing_checkpoint(tmp_path_factory, seeing_model, seeing_tokenizer):
    from boundary.training.architecture import build_image_processor

    folder = tmp_path_factory.mktemp("seeing")
    for part in (seeing_model, seeing_tokenizer, build_image_processor().library):
        part.save_pretrained(folder)
    return folder
