"""Prompts to the letter: every template's, and those that a model's own chat template lays out."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from boundary.cli import main
from boundary.data.records import read_provenance, read_records
from boundary.errors import BoundaryError
from boundary.sampling.encoding import Encoding
from boundary.sampling.engine import Request, SamplingParameters
from boundary.sampling.prompts import Template, load_template
from boundary.study.catalogue import load_catalogue
from boundary.study.documents import load_document
from config_files import ROOT, SCHEMAS, edit
from faulty_server import FaultyServer

PROMPTS = ROOT / "config" / "prompts.yaml"
QUESTION = 'If $f(x)=\\frac{x}{2}$, what is {question} of "7"?\n\n{} and {{x}} %s \\boxed{}'
ASSISTANT = "<|im_end|>\n<|im_start|>assistant\n"
HELPFUL = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
PROGRAM = (
    "You will be given a question (problem specification) and will generate a correct Python program "
    "that matches the specification and passes all tests. You will NOT return anything except for the "
    "program.\n\nQuestion: " + QUESTION
)
STEPS = "\nPlease reason step by step, and put your final answer within \\boxed{}."
RENDERED = {
    "mini": QUESTION + "=",
    "mini-direct": QUESTION + "= \\boxed{",
    "simplerl": HELPFUL + QUESTION + STEPS + ASSISTANT,
    "simplerl-direct": HELPFUL
    + QUESTION
    + "\nPlease do not reason, and put only your final answer within \\boxed{}."
    + ASSISTANT
    + "\\boxed{",
    "oat": "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}."
    "<|im_end|>\n<|im_start|>user\n" + QUESTION + ASSISTANT,
    "code_r1": "<|im_start|>system\nYou are a helpful programming assistant. The user will ask you a "
    "question and you as the assistant solve it. The assistant first thinks how to solve the task through "
    "reasoning and then provides the user with the final answer. The reasoning process and answer are "
    "enclosed within <think>...</think> and <answer>...</answer> tags, respectively.<|im_end|>\n"
    "<|im_start|>user\n" + QUESTION + ASSISTANT,
    "livecodebench": HELPFUL + PROGRAM + ASSISTANT + "```python\n",
    "evalplus": HELPFUL
    + "Please provide a self-contained Python script that solves the following problem "
    "in a markdown code block:\n```\n"
    + QUESTION
    + "\n```\n"
    + ASSISTANT
    + "Below is a Python script with "
    "a self-contained function that solves the problem and passes corresponding tests:\n```python\n",
    "easyr1": "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant. "
    "You FIRST think about the reasoning process as an internal monologue and then provide the final "
    "answer. The reasoning process MUST BE enclosed within <think> </think> tags. The final answer MUST BE "
    "put in \\boxed{}.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>\n"
    + QUESTION
    + ASSISTANT,
    "verl": "A conversation between User and Assistant. The user asks a question, and the Assistant solves "
    "it. The assistant first thinks about the reasoning process in the mind and then provides the user "
    "with the answer. The reasoning process and answer are enclosed within <think> </think> and <answer> "
    "</answer> tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here "
    "</answer>. User: " + QUESTION + "\nAssistant:\n",
    "dapo": "A conversation between user and assistant. The user asks a question, and the assistant solves "
    "it. The time limit is set to 20,480 tokens. If the assistant's response exceeds this limit, a "
    "progressively increasing penalty with the number of tokens exceeded will be applied.\nuser\nSolve the "
    "following math problem step by step. The last line of your response should be of the form Answer: "
    "$Answer (without quotes) where $Answer is the answer to the problem.\n"
    + QUESTION
    + '\nRemember to put your answer on its own line after "Answer:".\nassistant\n',
    "chat": QUESTION + STEPS,
    "chat-livecodebench": PROGRAM,
    "plain": QUESTION + STEPS,
}
DIALOGUES = ["simplerl", "simplerl-direct", "oat", "code_r1", "livecodebench", "evalplus", "easyr1"]
# In the miniature's alphabet: a user's turn stands between asterisks, an answer begins behind "=".
CHAT = (
    "{{ bos_token }}{% for message in messages %}* {{ message['content'] }} *{% endfor %}"
    "{% if add_generation_prompt %}={% endif %}"
)
OTHER_CHAT = CHAT.replace("* {{", "+ {{")


@pytest.mark.parametrize("name", RENDERED)
def test_a_prompt_is_rendered_to_the_letter(name):
    template = load_template(PROMPTS, name)
    assert template.render(QUESTION) == RENDERED[name]
    assert template.end == ("<|im_end|>" if name in DIALOGUES else None)
    assert template.begins == ("\\boxed{" if name.endswith("direct") else "")
    assert template.chat == name.startswith("chat")


def test_the_papers_templates_are_all_here():
    assert set(RENDERED) <= set(load_document(PROMPTS, SCHEMAS / "prompts.schema.yaml"))


def test_a_chat_is_part_of_the_digest_and_no_chat_changes_none():
    def sha256(text):
        return hashlib.sha256(text.encode()).hexdigest()

    assert Template("{question}=").digest == sha256("{question}=")
    assert Template("{question}=", "<e>").digest == sha256("{question}=\0<e>")
    assert Template("{question}=", "", "<b>").digest == sha256("{question}=\0\0<b>")
    others = {Template("{question}=").digest, Template("{question}=", "chat").digest}
    assert Template("{question}=", chat=True).digest not in others


@pytest.mark.parametrize(("key", "value"), [("end", "<e>"), ("begins", "\\boxed{")])
def test_a_chat_beside_a_beginning_or_an_end_is_refused(config, key, value):
    edit(config / "prompts.yaml", lambda prompts: prompts["chat"].update({key: value}))
    said = rf"prompts\.yaml: chat: found {key} beside chat; .* Leave it out"
    with pytest.raises(BoundaryError, match=said):
        load_catalogue(config, SCHEMAS)
    with pytest.raises(BoundaryError, match=said):
        load_template(config / "prompts.yaml", "chat")


def talking(random_checkpoint, folder, chat_template):
    """The random model, with a chat template of its own or none."""
    from transformers import AutoTokenizer

    shutil.copytree(random_checkpoint, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    return folder


def test_a_message_is_laid_out_by_the_models_own_chat_template(random_checkpoint, tmp_path):
    encoding = Encoding(talking(random_checkpoint, tmp_path / "a", CHAT))
    assert encoding.chat_prompt(QUESTION) == f"<bos>* {QUESTION} *="
    token_ids = encoding.prompt_ids("1+2", chat=True)
    assert encoding.tokenizer.decode(token_ids) == "<bos>* 1+2 *="
    assert token_ids.count(encoding.tokenizer.bos_token_id) == 1
    (prompt,) = encoding.encode([Request("p", "1+2", (0,), True)], SamplingParameters(1, 1, 9))
    assert prompt.token_ids == token_ids
    bare = Encoding(talking(random_checkpoint, tmp_path / "b", CHAT.replace("{{ bos_token }}", "")))
    # As the model's own dialogue does without it, so does the prompt.
    assert bare.tokenizer.decode(bare.prompt_ids("1+2", chat=True)) == "* 1+2 *="
    assert bare.tokenizer.decode(bare.prompt_ids("1+2")) == "<bos>1+2"


def test_what_a_chat_template_opens_stays(random_checkpoint, tmp_path):
    thinking = "{{ messages[0]['content'] + '<think>\\n' }}"
    encoding = Encoding(talking(random_checkpoint, tmp_path / "a", thinking))
    assert encoding.chat_prompt("{x}\n\n1") == "{x}\n\n1<think>\n"


def test_a_prompt_is_the_same_on_every_day(random_checkpoint, tmp_path):
    today = "{{ strftime_now('%d %b %Y') }}"
    llama = (
        f"{{% if date_string is defined %}}{{{{ date_string }}}}{{% else %}}{today}{{% endif %}}"
    )
    encoding = Encoding(talking(random_checkpoint, tmp_path / "a", llama))
    assert encoding.chat_prompt("1") == "26 Jul 2024"
    encoding = Encoding(talking(random_checkpoint, tmp_path / "b", today))
    with pytest.raises(BoundaryError, match="b: its chat template writes the day's date"):
        encoding.chat_prompt("1")


def test_a_chat_template_that_refuses_is_a_message(random_checkpoint, tmp_path):
    refusing = "{{ raise_exception('a system message is needed') }}"
    encoding = Encoding(talking(random_checkpoint, tmp_path / "a", refusing))
    with pytest.raises(BoundaryError, match=r"cannot lay out .* a system message is needed"):
        encoding.chat_prompt("1")


@pytest.fixture(scope="module")
def cell(tmp_path_factory, random_checkpoint):
    """A folder with problems and models: two with chat templates of their own, one without."""
    folder = tmp_path_factory.mktemp("cell")
    lines = [{"id": f"p/{i}", "question": q, "answer": "1"} for i, q in enumerate(["1+2", "3*4-5"])]
    (folder / "own.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "prompts.yaml").write_text('chat: {text: "{question} =", chat: true}\n')
    fields = json.dumps({"problem_id": "id"})
    run(
        *("benchmarks", "--name", "own", "--path", folder / "own.jsonl", "--fields", fields),
        *("--output", folder / "problems.parquet"),
    )
    for name, chat_template in (("m", CHAT), ("other", OTHER_CHAT), ("silent", None)):
        path = talking(random_checkpoint, folder / name, chat_template)
        run("models", "--name", name, "--path", path, "--output", folder / f"{name}.json")
    return folder


def run(*arguments):
    assert main(list(map(str, arguments))) == 0


def sample(cell, model, output):
    problems = ["--problems", cell / "problems.parquet", "--prompts", cell / "prompts.yaml"]
    settings = ["--temperature", 1, "--top-p", 1, "--max-tokens", 12, "--shard-size", 8]
    given = ["sample", "--model", model, *problems, *settings, "--template", "chat", "--gpus", 0]
    return main(list(map(str, [*given, "--keep", output.parent / "kept", "--output", output])))


def score(cell, scorer, samples, output):
    problems = ["--problems", cell / "problems.parquet", "--prompts", cell / "prompts.yaml"]
    given = ["--scorer", cell / f"{scorer}.json", "--template", "chat", *problems, "--gpus", 0]
    named = ["--samples", samples, "--keep", output.parent / "kept", "--output", output]
    return main(list(map(str, ["score", *given, *named])))


def test_a_chat_is_sampled_and_scored_behind_the_very_same_prompt(cell, tmp_path):
    assert sample(cell, cell / "m.json", tmp_path / "s.parquet") == 0
    assert score(cell, "m", tmp_path / "s.parquet", tmp_path / "scores.parquet") == 0
    scores = read_records(tmp_path / "scores.parquet", "score")
    both = scores.merge(
        read_records(tmp_path / "s.parquet", "sample"), on=["problem_id", "sample_index"]
    )
    both = both[both["detail"] == ""]
    assert len(both) > 12 and set(both["tokens"]) == {"stored"}
    np.testing.assert_allclose(both["nll_sum"], -both["logprob_sum"], rtol=1e-4)
    about = read_provenance(tmp_path / "s.parquet")
    assert about["template_sha256"] == Template("{question} =", chat=True).digest
    (attempt,) = about["attempts"]
    assert attempt["chat_template_sha256"] == hashlib.sha256(CHAT.encode()).hexdigest()
    # One bos, the chat template's 5 characters, the template's 2, and the question.
    assert about["usage"]["prompt_tokens"] == 8 * sum(1 + 5 + 2 + n for n in (3, 5))


def test_another_chat_template_is_another_shard_and_scores_no_responses(cell, tmp_path, capsys):
    for name in ("m", "other"):
        assert sample(cell, cell / f"{name}.json", tmp_path / f"{name}.parquet") == 0
    seeds = {read_provenance(tmp_path / f"{name}.parquet")["shard_seed"] for name in ("m", "other")}
    assert len(seeds) == 2
    assert score(cell, "other", tmp_path / "m.parquet", tmp_path / "scores.parquet") == 1
    said = capsys.readouterr().err
    assert "m.parquet: was sampled behind another chat template than the scorer's" in said
    assert not (tmp_path / "scores.parquet").exists()


def test_a_model_without_a_chat_template_is_named_with_the_way_out(cell, tmp_path, capsys):
    assert sample(cell, cell / "silent.json", tmp_path / "out" / "s.parquet") == 1
    said = capsys.readouterr().err
    assert f"{cell / 'silent'}: its tokenizer has no chat template" in said
    assert "take a prompt template that writes the dialogue itself" in said
    assert not list(tmp_path.rglob("*.parquet"))
    assert sample(cell, cell / "m.json", tmp_path / "s.parquet") == 0
    assert score(cell, "silent", tmp_path / "s.parquet", tmp_path / "scores.parquet") == 1
    assert "its tokenizer has no chat template" in capsys.readouterr().err


def test_an_endpoints_chat_is_sent_the_message_and_completions_refuse_it(cell, tmp_path, capsys):
    with FaultyServer() as server:
        for api, code in (("completions", 1), ("chat", 0)):
            entry = json.dumps({"url": server.url, "model": "m", "api": api})
            model = tmp_path / f"{api}.json"
            run("models", "--name", "far", "--endpoint", entry, "--output", model)
            assert sample(cell, model, tmp_path / f"{api}.parquet") == code
            if api == "completions":
                assert server.requests == []
                assert "chat is a message (chat: true)" in capsys.readouterr().err
    sent = {request["messages"][0]["content"] for request in server.requests}
    assert sent == {"1+2 =", "3*4-5 ="}
    assert all(len(request["messages"]) == 1 for request in server.requests)


def test_training_refuses_a_chat(cell, tmp_path, capsys):
    recipe = {
        "seed": 1, "corpus": {"operands": [2, 3], "habits": {"precedence": 1.0}},
        "architecture": {"hidden_size": 32, "layers": 1, "heads": 2, "context": 64},
        "steps": 1, "batch_size": 2, "learning_rate": 0.001,
    }  # fmt: skip
    given = ["--pretrain", json.dumps(recipe), "--template", "chat", "--metrics", "m.csv"]
    prompts = ["--prompts", str(cell / "prompts.yaml"), "--output", str(tmp_path / "t.json")]
    assert main(["models", "--name", "t", *given, *prompts]) == 1
    assert "chat has chat, which no training is told of" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
