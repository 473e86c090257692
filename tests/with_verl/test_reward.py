"""The reward, loaded and asked by VeRL's own reward manager."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
import torch
from boundary.training.verl_runs.overrides import Run
from boundary.training.verl_runs.reward import ground_truth
from boundary.verification.policy import Policy, read_policy
from boundary.verification.verifiers import boundary
from config_files import ROOT
from hostile import HOSTILE
from test_settings import RECIPES
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager

HALF = ground_truth("math", Policy(), json.dumps("\\frac{1}{2}"), None, None)
PROGRAM = ground_truth(
    "code",
    Policy(),
    json.dumps(None),
    json.dumps({"func_name": "double"}),
    json.dumps(
        {"public": [{"input": "3", "output": "6", "testtype": "functional"}], "private": []}
    ),
)
RIGHT = {
    "as the gold": "\\boxed{\\frac{1}{2}}",
    "a decimal": "so it is \\boxed{0.5}",
    "an answer tag": "<think> 1/2 </think> <answer> 1/2 </answer>",
    "the last box": "\\boxed{3} no, \\boxed{1/2}",
    "by math-verify's parser": "\\boxed{\\frac{\\sin(\\pi/6)+\\cos(\\pi/3)}{2}}",
}
WRONG = {
    "another number": "\\boxed{0.51}",
    "no answer": "It is a half.",
    "nothing": "",
    "an unclosed box": "\\boxed{1/2",
    "python": "\\boxed{__import__('os').abort()}",
    **{
        name: f"\\boxed{{{HOSTILE[name]}}}"
        for name in ("tower of powers", "sum to a huge bound", "factorial of a huge number")
    },
}


@pytest.fixture(scope="module")
def ask(base, byte_tokenizer, composed, tmp_path_factory):
    """Rewards of responses to problems, all asked for at once as VeRL's rollouts do."""
    folder = tmp_path_factory.mktemp("run")
    run = Run("m", base, folder / "prompts.parquet", 10, folder / "checkpoints")
    config = composed(RECIPES["qwen2.5-7b-grpo-450"], run)
    manager = load_reward_manager(config, byte_tokenizer)

    def item(text, truth):
        ids = torch.tensor([byte_tokenizer(text)["input_ids"] + [byte_tokenizer.eos_token_id]])
        tensors = {"responses": ids, "attention_mask": torch.ones_like(ids)}
        others = {
            "data_source": np.array(["p"], dtype=object),
            "reward_model": np.array([{"ground_truth": truth}], dtype=object),
            "extra_info": np.array([{}], dtype=object),
        }
        return DataProto.from_dict(tensors=tensors, non_tensors=others)

    def rewards(asked):
        async def all_at_once():
            return await asyncio.gather(*(manager.run_single(item(*one)) for one in asked))

        found = manager.loop.run_until_complete(all_at_once())
        return [one["reward_score"] for one in found]

    return rewards


def test_right_answers_earn_one_and_all_else_nothing(ask):
    texts = [*RIGHT.values(), *WRONG.values()]
    found = dict(zip([*RIGHT, *WRONG], ask([(text, HALF) for text in texts]), strict=True))
    assert found == dict.fromkeys(RIGHT, 1.0) | dict.fromkeys(WRONG, 0.0)


def test_the_benchmarks_policy_decides(ask):
    only_tags = ground_truth("math", Policy(answer_in=("tag",)), '"1"', None, None)
    asked = [("\\boxed{1}", only_tags), ("<answer>1</answer>", only_tags)]
    assert ask(asked) == [0.0, 1.0]


def test_programs_are_run_in_the_sandbox(ask):
    right = "```python\ndef double(x):\n    return 2 * x\n```"
    wrong = right.replace("2", "3")
    hostile = "```python\nimport os\nos._exit(0)\n```"
    assert ask([(right, PROGRAM), (wrong, PROGRAM), (hostile, PROGRAM)]) == [1.0, 0.0, 0.0]


def test_the_corpus_is_judged_as_ever_beside_verl():
    """Its omegaconf holds the parser of math-verify's grammar at an older version than ours."""
    file = ROOT / "tests" / "corpus" / "mathematics.jsonl"
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    wrong, rungs = [], set()
    for case in cases:
        gold, policy = case["gold"], read_policy(case.get("policy", {}))
        golds = tuple(gold) if isinstance(gold, list) else (gold,)
        asked = (golds, case["answer"], policy)
        decision = boundary.decide_cheaply(*asked) or boundary.decide(*asked)
        rungs.add(decision.rung)
        if decision.outcome != case["expected"]:
            wrong.append((case, decision))
    assert wrong == [] and "math-verify" in rungs and len(cases) > 1_000
