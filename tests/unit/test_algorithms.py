"""The six algorithms: advantages and losses against their definitions, ways of drawing, learning."""

import copy
import itertools
import json

import numpy as np
import pytest
import torch
import yaml
from boundary.errors import BoundaryError
from boundary.training import kept_progress, rlvr
from boundary.training.advantages import (
    Outcomes,
    above_greedy,
    at_last_token,
    generalised,
    group_relative,
    leave_one_out,
    whitened_returns,
)
from boundary.training.algorithms import ALGORITHMS
from boundary.training.architecture import build_model
from boundary.training.drawing import MOST_BATCHES, draw_mixed_groups, draw_with_greedy
from boundary.training.kept_progress import KeptProgress
from boundary.training.likelihood import likelihood
from boundary.training.losses import Clip, clipped_surrogate, clipped_value_error, kl_from_reference
from boundary.training.problems import Problem, ProblemBatches
from boundary.training.rlvr import ENOUGH, PATIENCE, describe_rollouts, train_rlvr
from boundary.training.rollouts import Sampler
from boundary.training.value_network import ValueNetwork
from boundary.verification.judge import pose
from boundary.verification.policy import Policy
from config_files import SCHEMAS
from trainings import ARCHITECTURE, RLVR, cut_off

LEARNED = {"remax": 0.25}  # one greedy response is a noisier baseline than the mean of a group
ITS_OWN = {"ppo": {"value_learning_rate": 0.003}, "dapo": {"clip_high": 0.28}}


def recipe_of(algorithm, **changes):
    return RLVR | {"algorithm": algorithm} | ITS_OWN.get(algorithm, {}) | changes


def some_outcomes(seed=0, groups=3, size=4, tokens=7):
    """Rewards, and responses of unequal lengths behind prompts of unequal lengths."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((groups * size, tokens))
    for row in mask:
        start = rng.integers(0, 3)
        row[start : start + rng.integers(1, tokens - 2)] = 1
    return Outcomes(
        torch.tensor(rng.integers(0, 2, (groups, size)), dtype=torch.double),
        torch.tensor(mask),
        torch.tensor(rng.integers(0, 2, groups), dtype=torch.double),
        torch.tensor(rng.normal(size=mask.shape)),
    )


def each_rollout(outcomes):
    """Group, number in the group, and the places of its response's tokens."""
    groups, size = outcomes.rewards.shape
    for group, number in itertools.product(range(groups), range(size)):
        row = group * size + number
        yield group, number, row, outcomes.mask[row].nonzero().flatten().tolist()


def by_tokens(outcomes, of_rollout):
    expected = torch.zeros_like(outcomes.mask)
    for group, number, row, places in each_rollout(outcomes):
        expected[row, places] = of_rollout(outcomes.rewards[group].tolist(), number, group)
    return expected


def test_group_relative_is_the_standardised_reward():
    outcomes = some_outcomes()

    def standardised(rewards, number, group):
        deviation = np.std(rewards, ddof=1)
        return (rewards[number] - np.mean(rewards)) / deviation if deviation else 0.0

    expected = by_tokens(outcomes, standardised)
    torch.testing.assert_close(group_relative(outcomes), expected, atol=1e-4, rtol=1e-4)


def test_a_group_of_equal_rewards_has_no_gradient():
    rewards = torch.tensor([[1.0] * 4, [0.0] * 4, [1.0, 0.0, 0.0, 0.0]])
    outcomes = Outcomes(rewards, torch.ones(12, 2))
    for advantages in (group_relative(outcomes), leave_one_out(outcomes)):
        assert advantages[:8].abs().max() == 0
        assert advantages[8, 0] > 0 > advantages[9, 0]


def test_leave_one_out_compares_with_the_others():
    outcomes = some_outcomes()

    def compared(rewards, number, group):
        return rewards[number] - np.mean(rewards[:number] + rewards[number + 1 :])

    torch.testing.assert_close(leave_one_out(outcomes), by_tokens(outcomes, compared))


def test_remax_compares_with_the_greedy_response():
    outcomes = some_outcomes()
    expected = by_tokens(outcomes, lambda rewards, i, g: rewards[i] - outcomes.baselines[g].item())
    torch.testing.assert_close(above_greedy(outcomes), expected)


def test_reinforce_plus_plus_whitens_over_the_tokens_of_the_batch():
    outcomes = some_outcomes()
    returns = by_tokens(outcomes, lambda rewards, number, group: rewards[number])
    values = returns[outcomes.mask > 0].numpy()
    expected = (returns - values.mean()) / values.std(ddof=1) * outcomes.mask
    torch.testing.assert_close(whitened_returns(outcomes), expected)


def test_the_reward_comes_with_the_last_token():
    outcomes = some_outcomes()
    rewards = at_last_token(outcomes)
    for group, number, row, places in each_rollout(outcomes):
        expected = torch.zeros_like(rewards[row])
        expected[places[-1]] = outcomes.rewards[group, number]
        assert torch.equal(rewards[row], expected)


@pytest.mark.parametrize(("discount", "decay"), [(1.0, 1.0), (0.9, 0.7)])
def test_generalised_advantages_are_their_sum(discount, decay):
    """Equation 16 of arXiv 1506.02438, term by term."""
    outcomes = some_outcomes()
    expected = torch.zeros_like(outcomes.mask)
    for group, number, row, places in each_rollout(outcomes):
        values = [*outcomes.values[row, places].tolist(), 0.0]
        rewards = [0.0] * (len(places) - 1) + [outcomes.rewards[group, number].item()]
        errors = [reward + discount * values[t + 1] - values[t] for t, reward in enumerate(rewards)]
        for t, place in enumerate(places):
            later = enumerate(errors[t:])
            expected[row, place] = sum((discount * decay) ** n * error for n, error in later)
    response = outcomes.mask > 0
    advantages, returns = generalised(outcomes, discount, decay)
    torch.testing.assert_close(returns[response], (expected + outcomes.values)[response])
    chosen = expected[response]
    torch.testing.assert_close(
        advantages[response], (chosen - chosen.mean()) / chosen.std(), atol=1e-6, rtol=1e-6
    )


def test_a_higher_upper_clip_is_felt_where_the_advantage_is_positive_alone():
    new = torch.tensor([[0.25, 0.25, -0.25, -0.25]], requires_grad=True)  # ratios 1.28 and 0.78
    advantages = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    gradients = []
    for clip in (Clip(0.2, 0.2), Clip(0.2, 0.3)):
        new.grad = None
        clipped_surrogate(new, torch.zeros(1, 4), advantages, torch.ones(1, 4), clip).backward()
        gradients.append((new.grad[0] != 0).tolist())
    assert gradients == [[False, True, True, False], [True, True, True, False]]


def test_the_loss_of_a_bad_token_that_became_likely_is_bounded():
    new = torch.tensor([[2.0]], requires_grad=True)  # ratio e^2, beyond the bound of 3
    loss = clipped_surrogate(
        new, torch.zeros(1, 1), torch.tensor([[-1.0]]), torch.ones(1, 1), Clip(0.2, 0.2)
    )
    loss.backward()
    assert loss.item() == 3 and new.grad.item() == 0


def test_value_error_against_its_definition():
    rng = np.random.default_rng(0)
    new, old, returns = rng.normal(size=(3, 4, 5))
    mask = rng.integers(0, 2, (4, 5))
    clipped = np.clip(new, old - 0.5, old + 0.5)
    errors = np.maximum((new - returns) ** 2, (clipped - returns) ** 2)
    expected = 0.5 * errors[mask == 1].mean()
    tensors = (torch.tensor(array) for array in (new, old, returns, mask))
    assert clipped_value_error(*tensors, clip=0.5).item() == pytest.approx(expected)


def test_the_kl_estimate_is_the_kl_on_average():
    generator = torch.Generator().manual_seed(0)
    policy, reference = (0.5 * torch.randn(2, 50, generator=generator)).log_softmax(-1)
    exact = (policy.exp() * (policy - reference)).sum().item()
    drawn = torch.multinomial(policy.exp(), 200_000, replacement=True, generator=generator)
    scores = policy[drawn][None], reference[drawn][None]
    mask = torch.ones(1, len(drawn))
    assert kl_from_reference(*scores, mask).item() == pytest.approx(exact, rel=0.02)
    assert kl_from_reference(policy[None], policy[None], torch.ones(1, 50)).item() == 0


def problem(prompt, gold=""):
    """A problem as the trainer poses it."""
    return Problem(prompt, pose(json.dumps(gold), Policy()))


PROBLEMS = [problem(f"{i}+1=") for i in range(1, 9)]


def sampler_of(model, tokenizer, reward, size=4):
    return Sampler(model, tokenizer, reward, seed=1, group_size=size, max_tokens=5)


def test_greedy_responses_are_drawn_once_a_problem_and_rewarded(random_model, tokenizer):
    asked = []

    def reward(rollouts):
        asked.append([text for _, text in rollouts])
        return [float(len(asked))] * len(rollouts)

    sampler = sampler_of(random_model, tokenizer, reward)
    rollouts = draw_with_greedy(sampler, ProblemBatches(PROBLEMS, 3, seed=1))
    assert list(map(len, asked)) == [12, 3] and describe_rollouts(rollouts)["extra_samples"] == 3
    assert rollouts.baselines.tolist() == [2.0] * 3 and rollouts.rewards.eq(1.0).all()
    (batch,) = itertools.islice(ProblemBatches(PROBLEMS, 3, seed=1), 1)
    for chosen, text in zip(batch.problems, asked[1], strict=True):
        ids = tokenizer(chosen.prompt, return_tensors="pt")["input_ids"]
        greedy = random_model.generate(ids, max_new_tokens=5, do_sample=False)[0, ids.shape[1] :]
        assert text == tokenizer.decode(greedy, skip_special_tokens=True)


def test_dynamic_sampling_keeps_mixed_groups_and_counts_the_rest(random_model, tokenizer):
    """Every third group is mixed: of 3 batches of 3 each one, and of the last none too many."""
    asked = []

    def reward(rollouts):
        asked.extend(text for _, text in rollouts)
        return [float(i % 4 == 0 and i // 4 % 3 == 1) for i in range(len(rollouts))]

    sampler = sampler_of(random_model, tokenizer, reward)
    rollouts = draw_mixed_groups(sampler, ProblemBatches(PROBLEMS, 3, seed=1))
    assert rollouts.rewards.tolist() == [[1.0, 0.0, 0.0, 0.0]] * 3
    assert rollouts.drawn.rewards.numel() == len(asked) == 36
    told = describe_rollouts(rollouts)
    assert told["reward"] == pytest.approx(3 / 36) and told["extra_samples"] == 36 - 12
    assert told["mixed_groups"] == pytest.approx(1 / 3)
    kept = [asked[12 * batch + 4 + row] for batch in range(3) for row in range(4)]
    told = []
    for ids, mask in zip(rollouts.token_ids, rollouts.response_mask, strict=True):
        told.append(tokenizer.decode(ids[1:][mask > 0], skip_special_tokens=True))
    assert told == kept


def test_dynamic_sampling_takes_no_more_than_a_batch(random_model, tokenizer):
    def reward(rollouts):
        return [float(i % 2) for i in range(len(rollouts))]

    sampler = sampler_of(random_model, tokenizer, reward)
    rollouts = draw_mixed_groups(sampler, ProblemBatches(PROBLEMS, 3, seed=1))
    assert rollouts.rewards.shape == (3, 4) and rollouts.drawn.rewards.numel() == 12


def test_nothing_mixed_is_told(random_model, tokenizer):
    batches = ProblemBatches(PROBLEMS, 3, seed=1)
    sampler = sampler_of(random_model, tokenizer, lambda rollouts: [1.0] * len(rollouts))
    with pytest.raises(BoundaryError, match="none of 30 groups of 4 responses had both right and"):
        draw_mixed_groups(sampler, batches)
    assert batches.drawn == MOST_BATCHES


def test_values_are_zero_at_first_and_do_not_touch_the_policy(random_model, tokenizer):
    policy = copy.deepcopy(random_model)
    network = ValueNetwork(policy)
    ids = torch.tensor([tokenizer("1+2=3")["input_ids"]])
    assert torch.equal(network(ids, torch.ones(1, 5)), torch.zeros(1, 5))
    own = {parameter.data_ptr() for parameter in network.parameters()}
    assert not own & {parameter.data_ptr() for parameter in policy.parameters()}


def share_of_sevens(rollouts):
    return [text.count("7") / 6 for _, text in rollouts]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_learns_what_is_rewarded(tokenizer, algorithm):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    metrics = train_rlvr(recipe_of(algorithm), model, tokenizer, PROBLEMS, share_of_sevens)
    assert metrics[0]["reward"] < 0.15
    reached = np.mean([row["reward"] for row in metrics[-5:]])
    assert reached > LEARNED.get(algorithm, 0.6)
    assert metrics[-1]["entropy"] < 0.9 * metrics[0]["entropy"]
    own = {"ppo": {"value_loss"}}.get(algorithm, set())
    assert own == set(metrics[0]) - {
        "step", "reward", "solved_groups", "mixed_groups", "response_length", "truncated",
        "extra_samples", "entropy", "loss",
    }  # fmt: skip
    greedy = 4 if algorithm == "remax" else 0
    assert all(row["extra_samples"] >= greedy for row in metrics)
    assert algorithm == "dapo" or {row["extra_samples"] for row in metrics} == {greedy}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_moves_nothing_need_not_be_learned(tokenizer, monkeypatch, algorithm):
    """The weights after some steps, with and without a gradient of rows that have no advantage."""
    recipe, learned, weights = recipe_of(algorithm, steps=4), [], []

    def all_learned(model, token_ids, mask, rows=None):
        learned.extend([] if rows is None else rows.tolist())
        return likelihood(model, token_ids, mask)

    for scored in (likelihood, all_learned):
        monkeypatch.setattr(rlvr, "likelihood", scored)
        model = build_model(tokenizer, **ARCHITECTURE, seed=3)
        train_rlvr(recipe, model, tokenizer, PROBLEMS, share_of_sevens)
        weights.append(list(model.parameters()))
    for one, other in zip(*weights, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    if algorithm in ("grpo", "rloo", "remax"):
        assert not all(learned)  # there are groups without a seven


def test_catalogues_may_name_every_algorithm_and_no_other():
    schema = yaml.safe_load((SCHEMAS / "models.schema.yaml").read_text())
    assert schema["$defs"]["algorithm"]["enum"] == list(ALGORITHMS)


def test_a_kl_term_holds_the_policy_back(tokenizer):
    last = {}
    for kl in (0.0, 10.0):
        model = build_model(tokenizer, **ARCHITECTURE, seed=3)
        recipe = recipe_of("grpo") | ({"kl": kl} if kl else {})
        last[kl] = train_rlvr(recipe, model, tokenizer, PROBLEMS, share_of_sevens)[-1]
    assert last[10.0]["reward"] < 0.5 * last[0.0]["reward"]
    assert last[10.0]["kl"] < 0.1 and "kl" not in last[0.0]


class KilledError(Exception):
    pass


@pytest.fixture
def always_kept(monkeypatch):
    """Progress is kept after every step."""
    monkeypatch.setattr(kept_progress, "SECONDS_BETWEEN", 0)


@pytest.mark.parametrize("algorithm", ["grpo", "ppo", "dapo"])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(
    tokenizer, tmp_path, algorithm, always_kept, monkeypatch
):
    recipe = recipe_of(algorithm, steps=6, kl=0.01)
    in_one_go = build_model(tokenizer, **ARCHITECTURE, seed=3)
    expected = train_rlvr(recipe, in_one_go, tokenizer, PROBLEMS, share_of_sevens)
    taken = cut_off(monkeypatch, 4, KilledError)

    def train():
        model = build_model(tokenizer, **ARCHITECTURE, seed=3)
        kept = KeptProgress(tmp_path / "kept", recipe)
        return model, kept, train_rlvr(recipe, model, tokenizer, PROBLEMS, share_of_sevens, kept)

    with pytest.raises(KilledError):
        train()
    model, kept, metrics = train()
    assert metrics == expected and len(taken) == 4 + 3  # the first three are not taken again
    assert all(map(torch.equal, model.parameters(), in_one_go.parameters()))
    kept.remove()
    assert list(tmp_path.iterdir()) == []


def test_damaged_progress_is_told(tmp_path):
    kept = KeptProgress(tmp_path, {})
    kept.file.write_bytes(b"\x08" + bytes(20))
    with pytest.raises(BoundaryError, match=r"\.safetensors: the kept progress .* is damaged"):
        kept.load({})


def test_another_training_does_not_go_on_from_what_is_kept(tokenizer, tmp_path, always_kept):
    for seed in (1, 2):
        model = build_model(tokenizer, **ARCHITECTURE, seed=3)
        recipe = recipe_of("grpo", steps=2, seed=seed)
        kept = KeptProgress(tmp_path, recipe)
        metrics = train_rlvr(recipe, model, tokenizer, PROBLEMS, share_of_sevens, kept)
        assert [row["step"] for row in metrics] == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


def no_reward(rollouts):
    return [0.0] * len(rollouts)


# A step draws 4 * 8 responses.
@pytest.mark.parametrize(("steps", "fails_at"), [(30, PATIENCE), (ENOUGH // 32, ENOUGH // 32)])
def test_a_reward_that_never_comes_ends_the_training(tokenizer, steps, fails_at):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    message = f"step {fails_at}: no response of {fails_at} steps earned a reward"
    taken = []
    with pytest.raises(BoundaryError, match=message):
        train_rlvr(
            recipe_of("grpo", steps=steps),
            model,
            tokenizer,
            PROBLEMS,
            no_reward,
            after_step=taken.append,
        )
    assert taken == list(range(1, fails_at))  # what the last one has done is not handed on


def test_a_few_responses_without_a_reward_are_no_failure(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    recipe = recipe_of("grpo", steps=2)
    assert len(train_rlvr(recipe, model, tokenizer, PROBLEMS, no_reward)) == 2


def test_one_reward_is_enough(tokenizer):
    asked = []

    def only_once(rollouts):
        asked.append(len(rollouts))
        return [float(len(asked) == row == 1) for row in range(len(rollouts))]

    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    recipe = recipe_of("grpo", steps=PATIENCE)
    assert len(train_rlvr(recipe, model, tokenizer, PROBLEMS, only_once)) == PATIENCE


def test_divergence_names_the_step_and_leaves_the_last_good_progress(
    tokenizer, tmp_path, always_kept
):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    asked = []

    def reward(rollouts):
        asked.append(len(rollouts))
        return [float("nan")] * len(rollouts) if len(asked) == 3 else share_of_sevens(rollouts)

    recipe = recipe_of("grpo")
    kept = KeptProgress(tmp_path, recipe)
    with pytest.raises(BoundaryError, match=r"step 3: training diverged at update 5: loss nan"):
        train_rlvr(recipe, model, tokenizer, PROBLEMS, reward, kept)
    learner_steps = kept.load({})[0]
    assert [row["step"] for row in learner_steps] == [1, 2]
