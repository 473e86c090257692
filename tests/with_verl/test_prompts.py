"""The problems as VeRL reads them: the tokens that reach the model are those it is sampled with."""

from __future__ import annotations

import pandas as pd
import pytest
from boundary.data.records import write_records
from boundary.sampling.encoding import Encoding
from boundary.sampling.prompts import load_template
from boundary.training.verl_runs.overrides import Run
from boundary.training.verl_runs.prompts import pose_prompts
from boundary.verification.policy import Policy
from config_files import ROOT
from test_settings import RECIPES
from verl.trainer.ppo.utils import create_rl_dataset
from verl.utils.config import omega_conf_to_dataclass
from verl.utils.tokenizer.continuous_token_wiring import create_continuous_token_builder

QUESTIONS = ["What is {x} + \\frac{1}{2}?", "Ünïcode: 3 ≤ n?\n\nFind n.", "1+1", "<|endoftext|> 2"]


@pytest.fixture
def problems(tmp_path):
    frame = pd.DataFrame(
        {
            "problem_id": [f"p{i}" for i in range(len(QUESTIONS))],
            "domain": "math",
            "question": QUESTIONS,
            "gold": [f'"{i}"' for i in range(len(QUESTIONS))],
        }
    )
    path = tmp_path / "problems.parquet"
    write_records(path, "problem", frame, {})
    return path


def read_by_verl(tmp_path, checkpoint, prompts, composed):
    """Token ids of every row: VeRL's tokenizer and dataset, and what its rollouts encode prompts with."""
    file = tmp_path / "prompts.parquet"
    prompts.write(file)
    recipe = RECIPES["qwen2.5-7b-grpo-450"]
    config = composed(recipe, Run("m", checkpoint, file, prompts.longest, tmp_path / "c"))
    model = omega_conf_to_dataclass(config.actor_rollout_ref.model)
    dataset = create_rl_dataset(
        config.data.train_files, config.data, model.tokenizer, model.processor
    )
    builder = create_continuous_token_builder(
        model.tokenizer, hf_model_type=model.hf_config.model_type, processor=model.processor
    )
    return [builder.build_initial_tokens(row["raw_prompt"]) for row in dataset], dataset


@pytest.mark.parametrize("template", ["verl", "plain"])
def test_a_prompts_tokens_are_those_it_is_sampled_with(
    tmp_path, problems, base, composed, template
):
    template = load_template(ROOT / "config/prompts.yaml", template)
    encoding = Encoding(base)
    prompts = pose_prompts(problems, "math", template, Policy(), encoding)
    found, dataset = read_by_verl(tmp_path, base, prompts, composed)
    expected = [encoding.prompt_ids(template.render(question)) for question in QUESTIONS]
    assert found == expected and prompts.longest == max(map(len, expected))
    assert [row["data_source"] for row in dataset] == ["p0", "p1", "p2", "p3"]


def test_so_they_are_where_a_tokenizer_begins_every_text(
    tmp_path, problems, random_checkpoint, composed
):
    """The miniature's puts <bos> before it."""
    template = load_template(ROOT / "config/prompts.yaml", "mini")
    encoding = Encoding(random_checkpoint)
    prompts = pose_prompts(problems, "math", template, Policy(), encoding)
    found, _ = read_by_verl(tmp_path, random_checkpoint, prompts, composed)
    assert found == [encoding.prompt_ids(template.render(question)) for question in QUESTIONS]
    assert found[0][0] == encoding.tokenizer.bos_token_id
