import copy
import itertools
import json
import math

import pytest
import torch
from boundary.data.records import write_records
from boundary.errors import BoundaryError
from boundary.miniature.problems import draw_problems
from boundary.sampling.prompts import Template
from boundary.training.architecture import build_model
from boundary.training.documents import IGNORED, Document, length_sorted_batches
from boundary.training.likelihood import likelihood
from boundary.training.losses import Clip, clipped_surrogate, masked_mean
from boundary.training.optimiser import build_learner, take_step
from boundary.training.pretrain import pretrain
from boundary.training.problems import Batch, Problem, ProblemBatches, training_problems
from boundary.training.reward import verified_reward
from boundary.training.rlvr import train_rlvr
from boundary.training.rollouts import Sampler
from boundary.verification.judge import pose
from boundary.verification.policy import Policy
from trainings import ARCHITECTURE, RLVR

PRETRAIN = {
    "seed": 1,
    "architecture": ARCHITECTURE,
    "corpus": {"operands": [2, 2], "habits": {"precedence": 1.0}},
    "steps": 30,
    "batch_size": 16,
    "learning_rate": 0.003,
}
CLIP = Clip(0.2, 0.2)


def test_clipped_surrogate_against_its_definition():
    generator = torch.Generator().manual_seed(0)
    new, old = (-3 * torch.rand(4, 6, generator=generator) for _ in range(2))
    advantages = torch.randn(4, 1, generator=generator)
    mask = (torch.rand(4, 6, generator=generator) > 0.3).float()
    terms = []
    for row in range(4):
        for token in range(6):
            if mask[row, token]:
                ratio = math.exp(new[row, token] - old[row, token])
                clipped = min(max(ratio, 0.8), 1.2)
                advantage = advantages[row, 0].item()
                lost = -min(ratio * advantage, clipped * advantage)
                terms.append(min(lost, 3 * abs(advantage)))  # the dual clip
    loss = clipped_surrogate(new, old, advantages, mask, CLIP)
    assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_on_policy_gradient_is_reinforce():
    new = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    clipped_surrogate(new, new.detach(), torch.tensor([[3.0]]), torch.ones(1, 2), CLIP).backward()
    torch.testing.assert_close(new.grad, torch.tensor([[-1.5, -1.5]]))


def test_beyond_the_clip_there_is_no_gradient():
    new = torch.tensor([[0.0, -1.0]], requires_grad=True)
    old = torch.tensor([[-1.0, 0.0]])  # ratios e and 1/e, both already past the clip
    clipped_surrogate(new, old, torch.tensor([[1.0, -1.0]]), torch.ones(1, 2), CLIP).backward()
    assert new.grad.abs().max() == 0


def test_masked_mean_of_nothing_is_zero():
    assert masked_mean(torch.ones(2, 2), torch.zeros(2, 2)) == 0


@torch.inference_mode()
def test_likelihood_of_padded_rows_is_that_of_single_rows(random_model, tokenizer):
    rows = [tokenizer(text)["input_ids"] for text in ("1+2=3 \\boxed{3}", "4*5=")]
    width = max(map(len, rows))
    padded = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
    together = likelihood(random_model, padded, (padded[:, 1:] != tokenizer.pad_token_id).float())
    for number, row in enumerate(rows):
        logits = random_model(input_ids=torch.tensor([row])).logits[0, :-1].double()
        probabilities = logits.softmax(-1)
        entropy = -(probabilities * probabilities.log()).sum(-1)
        chosen = probabilities[range(len(row) - 1), row[1:]].log()
        scored = len(row) - 1
        torch.testing.assert_close(
            together.entropy[number, :scored].double(), entropy, atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            together.log_probability[number, :scored].double(), chosen, atol=1e-5, rtol=1e-5
        )


def test_divergence_stops_before_the_weights_change(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=1)
    before = [parameter.clone() for parameter in model.parameters()]
    learner = build_learner(model, {"learning_rate": 0.01}, steps=10)
    loss = sum(parameter.sum() for parameter in model.parameters()) * float("nan")
    with pytest.raises(BoundaryError, match="diverged at update 1: loss nan"):
        take_step(loss, learner)
    assert all(map(torch.equal, before, model.parameters()))


def test_learning_rate_warms_up_and_decays(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=1)
    learner = build_learner(model, {"learning_rate": 1.0}, steps=100)
    rates = []
    for _ in range(100):
        rates.append(learner.schedule.get_last_lr()[0])
        learner.optimiser.step()
        learner.schedule.step()
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(a >= b for a, b in itertools.pairwise(rates[4:]))
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("learned", [[True] * 10, [True, False] * 5, [False] * 10])
def test_pieces_are_the_whole_and_have_the_gradient_of_what_is_learned(
    tokenizer, monkeypatch, learned
):
    """Against one padded pass of all rows, whose others are multiplied with nought."""
    monkeypatch.setattr("boundary.training.pieces.ROWS_TOGETHER", 3)
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    token_ids = torch.randint(4, 21, (10, 12), generator=torch.Generator().manual_seed(1))
    ends = torch.tensor(
        [2, 11, 5, 0, 9, 9, 3, 7, 1, 4]
    )  # of each row's response, which begins at 1
    mask = ((torch.arange(11) < ends[:, None]) & (torch.arange(11) > 0)).float()
    # Rows that are said twice, learned or not: as long, and cut off elsewhere.
    token_ids[5], token_ids[8] = token_ids[4], token_ids[1]
    learned = torch.tensor(learned)
    logits = model(input_ids=token_ids[:, :-1]).logits.log_softmax(-1)
    whole = logits.gather(-1, token_ids[:, 1:, None]).squeeze(-1)
    told = likelihood(model, token_ids, mask, learned).log_probability
    torch.testing.assert_close(told * mask, whole * mask, atol=1e-5, rtol=1e-5)
    if not learned.any():
        assert not told.requires_grad
        return
    gradients = []
    for scores in (told, whole):
        model.zero_grad()
        (scores * mask)[learned].square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_rows_that_are_the_same_are_scored_once(tokenizer, monkeypatch):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    token_ids = torch.randint(4, 21, (4, 12), generator=torch.Generator().manual_seed(1))
    seen = []
    forward = model.forward
    monkeypatch.setattr(
        model, "forward", lambda **given: seen.append(given["input_ids"]) or forward(**given)
    )
    told = likelihood(model, token_ids.repeat(5, 1), torch.ones(20, 11)).log_probability
    assert sum(map(len, seen)) == 4
    assert told.equal(told[:4].repeat(5, 1))
    told.sum().backward()
    repeated = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    (5 * likelihood(model, token_ids, torch.ones(4, 11)).log_probability).sum().backward()
    for one, parameter in zip(repeated, model.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, atol=1e-4, rtol=1e-4)


def test_batches_lose_no_document_and_mix_lengths():
    documents = [Document([n] * length) for n, length in enumerate(range(2, 18))] * 4
    torch.manual_seed(0)
    batches = length_sorted_batches(iter(documents), batch_size=4, padding=-1)
    found = [next(batches) for _ in range(16)]
    rows = [row for batch in found for row in batch.token_ids.tolist()]
    assert sorted(rows) == sorted(document.token_ids[1:] for document in documents)
    assert all(batch.targets.equal(batch.token_ids) for batch in found)  # each holds one length


def test_what_is_read_and_what_is_padded_is_not_learned():
    documents = [Document([1, 2, 3, 4, 5], learned_from=3), *[Document([6, 7, 8])] * 2]
    batches = length_sorted_batches(itertools.cycle(documents), batch_size=2, padding=0)
    pool = [next(batches) for _ in range(16)]  # of 11 long ones and 21 short: a batch has both
    rows = {
        (tuple(token_ids), tuple(targets))
        for batch in pool
        for token_ids, targets in zip(batch.token_ids.tolist(), batch.targets.tolist(), strict=True)
    }
    assert rows == {
        ((1, 2, 3, 4), (IGNORED, IGNORED, 4, 5)),
        ((6, 7), (7, 8)),
        ((6, 7, 0, 0), (7, 8, IGNORED, IGNORED)),
    }


def test_pretraining_learns_and_repeats():
    model, _, _, metrics = pretrain(PRETRAIN, Template("{question}="))
    again, _, _, metrics_again = pretrain(PRETRAIN, Template("{question}="))
    assert [row["step"] for row in metrics] == list(range(1, 31))
    assert metrics[-1]["loss"] < 0.75 * metrics[0]["loss"]
    assert metrics == metrics_again
    assert all(map(torch.equal, model.parameters(), again.parameters()))
    other, _, _, _ = pretrain(PRETRAIN | {"seed": 2}, Template("{question}="))
    assert not all(map(torch.equal, model.parameters(), other.parameters()))


def problem(prompt, gold):
    """A problem as the trainer poses it."""
    return Problem(prompt, pose(json.dumps(gold), Policy()))


def test_the_golds_of_a_file_of_problems_earn_the_reward(tmp_path):
    drawn = draw_problems("arith", (2, 4), 20, "train", seed=1)
    write_records(tmp_path / "problems.parquet", "problem", drawn, {})
    problems = training_problems(
        tmp_path / "problems.parquet", "math", Template("{question}="), Policy()
    )
    assert [problem.prompt for problem in problems] == [f"{asked}=" for asked in drawn["question"]]
    golds = [json.loads(gold) for gold in drawn["gold"]]
    for answers, earned in ((golds, 1.0), ([gold + "1" for gold in golds], 0.0)):
        texts = [f"\\boxed{{{answer}}}" for answer in answers]
        with verified_reward() as reward:
            judged_by = [problem.posed for problem in problems]
            assert reward(list(zip(judged_by, texts, strict=True))) == [earned] * 20


def no_reward(rollouts):
    """Nothing for anybody."""
    return [0.0] * len(rollouts)


def test_problem_batches_pass_over_every_problem():
    problems = [problem(str(i), "") for i in range(11)]
    batches = ProblemBatches(problems, 5, seed=0)
    passes = []
    for completed in range(3):
        first, second = next(batches), next(batches)
        assert (first.number, second.number) == (2 * completed, 2 * completed + 1)
        passes.append([posed.prompt for posed in first.problems + second.problems])
        assert len(set(passes[-1])) == 10
    assert len(set(map(tuple, passes))) == 3  # each in an order of its own
    assert next(ProblemBatches(problems, 5, seed=0, drawn=5)) == Batch(5, second.problems)


def test_too_few_problems_for_a_batch_is_a_message():
    with pytest.raises(BoundaryError, match=r"5 problems to train on .* problems_per_step is 32"):
        ProblemBatches([problem("1=", "")] * 5, 32, seed=1)


def test_a_prompt_that_leaves_no_room_is_named_before_the_first_step(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    recipe = RLVR | {"max_tokens": 59, "problems_per_step": 1}
    problems = [problem("1+1=", "2")._replace(problem_id=f"p/{number}") for number in range(20)]
    problems[13] = problems[13]._replace(prompt="1+1+1+1=")

    def refused(rollouts):
        raise AssertionError("a rollout was drawn")

    with pytest.raises(
        BoundaryError, match=r"problem p/13: .* exceed the model's context of 64; .*`without`"
    ) as raised:
        train_rlvr(recipe, model, tokenizer, problems, refused)
    assert "step" not in str(raised.value)


def test_each_update_takes_whole_groups(random_model, tokenizer, monkeypatch):
    seen = []

    def scored(model, token_ids, *others):
        seen.append(len(token_ids))
        return likelihood(model, token_ids, *others)

    monkeypatch.setattr("boundary.training.rlvr.likelihood", scored)
    recipe = RLVR | {"steps": 1, "problems_per_step": 5, "updates_per_step": 2}
    problems = [problem(f"{i}+1=", "") for i in range(1, 9)]
    train_rlvr(recipe, copy.deepcopy(random_model), tokenizer, problems, no_reward)
    assert seen == [3 * 8, 2 * 8]


def test_rollouts_are_what_the_policy_said(random_model, tokenizer):
    problems = [problem("1+2=", "3"), problem("3*4*5=", "60")]
    seen = []

    def reward(rollouts):
        seen.extend(rollouts)
        return [float(len(text)) for _, text in rollouts]

    sampler = Sampler(random_model, tokenizer, reward, seed=2, group_size=3, max_tokens=5)
    rollouts = sampler.groups(Batch(0, problems))
    assert rollouts.rewards.shape == (2, 3) and len(seen) == rollouts.drawn.rewards.numel() == 6
    assert [posed.gold for posed, _ in seen] == [("3",)] * 3 + [("60",)] * 3
    assert rollouts.rewards.flatten().tolist() == [len(text) for _, text in seen]
    mask = rollouts.response_mask
    scores = likelihood(random_model, rollouts.token_ids, mask)
    assert mask.sum(1).tolist() == rollouts.drawn.lengths.tolist()
    torch.testing.assert_close(
        (scores.log_probability * mask).detach(),
        rollouts.log_probabilities * mask,
        atol=1e-4,
        rtol=1e-4,
    )
    for row, ids in enumerate(rollouts.token_ids.tolist()):
        prompt = tokenizer(problems[row // 3].prompt)["input_ids"]
        assert ids[: len(prompt)] == prompt
        assert mask[row, : len(prompt) - 1].sum() == 0
    again, other = (sampler.groups(Batch(number, problems)).log_probabilities for number in (0, 1))
    assert torch.equal(again, rollouts.log_probabilities)
    assert other.shape != again.shape or not torch.equal(other, again)


def test_rollouts_end_where_samples_of_the_checkpoint_would(random_model, tokenizer):
    model = copy.deepcopy(random_model)
    (seven,) = tokenizer("7", add_special_tokens=False)["input_ids"]
    model.generation_config.eos_token_id = [seven]  # as many a model's that was taught to chat
    seen = []

    def reward(rollouts):
        seen.extend(text for _, text in rollouts)
        return [0.0] * len(rollouts)

    sampler = Sampler(model, tokenizer, reward, seed=2, group_size=200, max_tokens=8)
    drawn = sampler.groups(Batch(0, [problem("1+2=", "3")]))
    ids = [
        row[1:][mask.bool()].tolist()
        for row, mask in zip(drawn.token_ids, drawn.response_mask, strict=True)
    ]
    ends = {row[-1] for row, ended in zip(ids, drawn.drawn.finished, strict=True) if ended}
    assert ends == {seven, tokenizer.eos_token_id}
    assert not any({seven, tokenizer.eos_token_id} & set(row[:-1]) for row in ids)
    assert len(seen) == 200 and not any("7" in text for text in seen)


def test_grpo_repeats_for_a_seed(tokenizer):
    problems = [problem(f"{i}+1=", str(i + 1)) for i in range(1, 9)]
    runs = []
    for seed in (1, 1, 2):
        model = build_model(tokenizer, **ARCHITECTURE, seed=3)
        recipe = RLVR | {"steps": 3, "seed": seed}
        with verified_reward() as reward:
            runs.append(train_rlvr(recipe, model, tokenizer, problems, reward))
    assert runs[0] == runs[1] != runs[2]
