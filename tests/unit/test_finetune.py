"""Fine-tuning on solutions, and what is taken of a teacher's responses."""

import copy
from collections import Counter

import pytest
import torch
from boundary.errors import BoundaryError
from boundary.miniature.problems import draw_problems
from boundary.training.architecture import build_model
from boundary.training.documents import solution_document
from boundary.training.finetune import Solution, finetune
from boundary.training.problems import Batch, Problem
from boundary.training.rollouts import Sampler
from boundary.training.teaching import verified_solutions
from boundary.verification.judge import pose
from boundary.verification.policy import Policy
from trainings import ARCHITECTURE

SOLUTIONS = [
    Solution("1+2=", "\\boxed{3}"),
    Solution("3*4=", "\\boxed{12}"),
    Solution("9-5+1=", "4+1=\\boxed{5}"),
    Solution("7=", "\\boxed{7}"),
]
RECIPE = {"seed": 1, "steps": 150, "batch_size": 4, "learning_rate": 0.01}


def answers(model, tokenizer):
    """The most probable response to each of the prompts."""
    for prompt, _ in SOLUTIONS:
        token_ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        drawn = model.generate(token_ids, max_new_tokens=20, do_sample=False)[0]
        yield tokenizer.decode(drawn[token_ids.shape[1] :], skip_special_tokens=True)


def test_a_model_learns_its_solutions(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    metrics = finetune(RECIPE, model, tokenizer, SOLUTIONS)
    assert list(answers(model, tokenizer)) == [response for _, response in SOLUTIONS]
    assert [row["step"] for row in metrics] == list(range(1, 151)) and not model.training


def test_a_training_repeats_itself_and_follows_its_seed(tokenizer):
    start = build_model(tokenizer, **ARCHITECTURE, seed=3)
    heads = []
    for seed in (1, 1, 2):
        model = copy.deepcopy(start)
        finetune(RECIPE | {"steps": 5, "seed": seed}, model, tokenizer, SOLUTIONS * 2)
        heads.append(model.lm_head.weight)
    assert heads[0].equal(heads[1]) and not heads[0].equal(heads[2])


def test_of_a_solution_the_response_and_its_end_are_learned(tokenizer):
    token_ids, learned_from, _ = solution_document(tokenizer, "1+2=", "\\boxed{3}")
    assert tokenizer.decode(token_ids[:learned_from]) == "<bos>1+2="
    assert tokenizer.decode(token_ids[learned_from:-1]) == "\\boxed{3}"
    assert token_ids[-1] == tokenizer.eos_token_id


def test_the_first_loss_is_that_of_the_responses_alone(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    solution = SOLUTIONS[2]
    prompt = tokenizer(solution.prompt)["input_ids"]
    response = tokenizer(solution.response)["input_ids"][1:]  # <bos> begins the prompt alone
    with torch.inference_mode():
        token_ids = [*prompt, *response, tokenizer.eos_token_id]
        logits = model(input_ids=torch.tensor([token_ids])).logits[0].double()
    scores = logits.log_softmax(-1)
    losses = [-scores[at - 1, token_ids[at]] for at in range(len(prompt), len(token_ids))]
    (told,) = finetune(RECIPE | {"steps": 1, "batch_size": 1}, model, tokenizer, [solution])
    assert told["loss"] == pytest.approx(sum(losses).item() / len(losses), rel=1e-5)
    assert told["tokens"] == len(response) + 1


def test_a_solution_beyond_the_context_is_told(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    with pytest.raises(BoundaryError, match=r"have 67 tokens, which exceeds .* context of 64"):
        finetune(RECIPE, model, tokenizer, [Solution("1=", "1" * 63)])


def test_a_solution_in_words_of_another_world_is_told(tokenizer):
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    with pytest.raises(BoundaryError, match="does not know all that the prompts and solutions are"):
        finetune(RECIPE, model, tokenizer, [*SOLUTIONS, Solution("1=", "def f(x): return x")])


def test_a_tokenizer_whose_end_stands_for_the_unknown_knows_all_words(tokenizer):
    """As GPT-2's, which can write every text."""
    both = copy.deepcopy(tokenizer)
    both.unk_token = both.eos_token
    finetune(
        RECIPE | {"steps": 1}, build_model(both, **ARCHITECTURE, seed=3), both, SOLUTIONS
    )  # and tells of no unknown words


def test_a_prompt_that_writes_its_beginning_has_it_once(tokenizer):
    written, plain = (
        solution_document(tokenizer, prompt, "\\boxed{3}") for prompt in ("<bos>1+2=", "1+2=")
    )
    assert written == plain and written.token_ids.count(tokenizer.bos_token_id) == 1


def test_every_solution_is_learned_as_often_and_few_twice_in_a_batch(tokenizer, monkeypatch):
    seen = []

    def learn(model, batches, recipe, name):
        seen.extend(next(batches).token_ids for _ in range(recipe["steps"]))
        return []

    monkeypatch.setattr("boundary.training.finetune.learn_next_tokens", learn)
    model = build_model(tokenizer, **ARCHITECTURE, seed=3)
    solutions = [Solution(f"{n}=", "1" * (n % 7)) for n in range(100)]
    finetune(RECIPE | {"steps": 50, "batch_size": 20}, model, tokenizer, solutions)
    drawn = [tokenizer.decode(row, skip_special_tokens=True) for batch in seen for row in batch]
    uses = Counter(text.split("=")[0] for text in drawn)
    assert set(uses.values()) == {10} and len(uses) == 100
    assert all(len({tuple(row.tolist()) for row in batch}) == 20 for batch in seen)


def test_a_model_without_a_padding_token_is_trained_all_the_same(tokenizer):
    model, bare = build_model(tokenizer, **ARCHITECTURE, seed=3), copy.deepcopy(tokenizer)
    bare.pad_token = None
    recipe = RECIPE | {"steps": 3}
    metrics = finetune(recipe, copy.deepcopy(model), bare, SOLUTIONS)
    assert metrics == finetune(recipe, model, tokenizer, SOLUTIONS)


def teacher(model, tokenizer, reward, size=3):
    return Sampler(model, tokenizer, reward, seed=1, group_size=size, max_tokens=6)


def problems(count):
    drawn = draw_problems("arith", (2, 3), count, "train", seed=1)
    return [
        Problem(f"{question}=", pose(gold, Policy()))
        for question, gold in zip(drawn["question"], drawn["gold"], strict=True)
    ]


def test_correct_and_finished_responses_are_taken_and_no_others(
    random_model, tokenizer, monkeypatch
):
    monkeypatch.setattr("boundary.training.teaching.PROBLEMS_AT_ONCE", 4)
    seen = []

    def reward(rollouts):
        seen.extend(text for _, text in rollouts)
        return [float(len(text) % 2) for _, text in rollouts]

    asked = problems(30)
    taken = verified_solutions(teacher(random_model, tokenizer, reward), asked)
    finished = []
    for number in range(8):
        batch = Batch(number, asked[4 * number : 4 * number + 4])
        finished += teacher(random_model, tokenizer, reward).groups(batch).drawn.finished.tolist()
    assert taken == [
        (asked[at // 3].prompt, seen[at]) for at in range(90) if finished[at] and len(seen[at]) % 2
    ]
    assert 0 < len(taken) < sum(finished) < 90


def test_a_teacher_that_solves_nothing_is_told(random_model, tokenizer):
    wrong = teacher(random_model, tokenizer, lambda rollouts: [0.0] * len(rollouts))
    with pytest.raises(BoundaryError, match="none of the teacher's 12 responses is correct and"):
        verified_solutions(wrong, problems(4))
