"""The endpoint engine against a server of our own, which fails on command."""

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from itertools import chain

import pytest
from boundary.cli import main
from boundary.data.endpoint import Endpoint
from boundary.data.records import read_provenance, read_records, write_records
from boundary.errors import BoundaryError
from boundary.sampling.engine import Request, SamplingParameters
from boundary.sampling.openai_engine import OpenAIEngine
from faulty_server import FaultyServer

PARAMETERS = SamplingParameters(temperature=0.6, top_p=0.95, max_tokens=100)
REQUESTS = [Request("a", "one two", (0, 1, 2, 3)), Request("b", "three", (2, 3))]
KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def fast_retries(monkeypatch):
    monkeypatch.setattr("boundary.sampling.openai_engine.RETRIES", 3)
    monkeypatch.setattr("boundary.sampling.openai_engine.RETRIES_BEFORE_THE_FIRST_ANSWER", 3)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.02)


def draw(server, parameters=PARAMETERS, seed=7, **settings):
    engine = OpenAIEngine(Endpoint(server.url, "m", **settings))
    return list(chain.from_iterable(engine.sample(REQUESTS, parameters, seed))), engine


def keys(samples):
    return sorted((sample.problem_id, sample.sample_index) for sample in samples)


EXPECTED = sorted([*itertools.product("a", range(4)), ("b", 2), ("b", 3)])


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_every_sample_is_asked_for_once_with_its_own_seed(api):
    with FaultyServer() as server:
        samples, engine = draw(server, api=api)
    assert keys(samples) == EXPECTED
    assert len({request["seed"] for request in server.requests}) == 6
    for request in server.requests:
        assert request["model"] == "m"
        assert request["temperature"] == 0.6 and request["top_p"] == 0.95
        assert request["path"].endswith("chat/completions") == (api == "chat")
        assert request["max_completion_tokens" if api == "chat" else "max_tokens"] == 100
    by_problem = {sample.problem_id: sample for sample in samples}
    assert by_problem["a"].n_prompt_tokens == 2 and by_problem["b"].n_prompt_tokens == 1
    assert by_problem["a"].n_tokens == 3 and by_problem["a"].finish_reason == "stop"
    assert engine.describe()["served"] == ["m-2026"]


def test_the_same_seed_asks_for_the_same_and_another_for_others():
    seeds = []
    for seed in (7, 7, 8):
        with FaultyServer() as server:
            draw(server, seed=seed, concurrency=1)
        seeds.append([request["seed"] for request in server.requests])
    assert seeds[0] == seeds[1] and not set(seeds[0]) & set(seeds[2])


def test_what_the_api_has_as_default_is_not_sent():
    with FaultyServer() as server:
        draw(server, SamplingParameters(1.0, 1.0, 5), send_seed=False)
    for request in server.requests:
        assert not {"temperature", "top_p", "seed", "n"} & set(request)


def test_the_templates_end_is_sent():
    with FaultyServer() as server:
        draw(server, SamplingParameters(1.0, 1.0, 5, end="<|im_end|>"))
    assert {request["stop"] for request in server.requests} == {"<|im_end|>"}


def test_no_more_requests_at_once_than_allowed():
    class Slow(FaultyServer):
        def answer(self, asked, path):
            time.sleep(0.05)
            return super().answer(asked, path)

    with Slow() as server:
        draw(server, concurrency=2)
    assert server.most_at_once == 2


def test_injected_failures_lose_and_repeat_nothing(monkeypatch):
    monkeypatch.setattr("boundary.sampling.openai_engine.RETRIES", 10)
    monkeypatch.setattr("boundary.sampling.openai_engine.RETRIES_BEFORE_THE_FIRST_ANSWER", 10)
    with FaultyServer("4x5t.4t5xx4.", stall=0.4) as server:
        samples, _ = draw(server, timeout=0.2, concurrency=3)
    assert keys(samples) == EXPECTED
    assert len(server.requests) > 6 + 8


def test_an_endpoint_that_stays_down_yields_what_came_before():
    with FaultyServer(".." + "5" * 99) as server:
        engine = OpenAIEngine(Endpoint(server.url, "m", concurrency=2))
        samples = []
        with pytest.raises(BoundaryError, match=r"problem a, sample \d\): InternalServerError"):
            for finished in engine.sample(REQUESTS, PARAMETERS, 7):
                samples += finished
    assert len(samples) == 2


def test_nobody_there_is_a_message():
    with FaultyServer() as server:
        url = server.url
    engine = OpenAIEngine(Endpoint(url, "m"))
    with pytest.raises(BoundaryError, match=r"no answer \(APIConnectionError\) after many"):
        list(engine.sample(REQUESTS, PARAMETERS, 7))


@pytest.fixture
def problems(tmp_path):
    import pandas as pd

    path = tmp_path / "problems.parquet"
    frame = pd.DataFrame(
        {"problem_id": list("abc"), "domain": "math", "question": list("xyz"), "gold": '"1"'}
    )
    write_records(path, "problem", frame, {"benchmark": "tiny", "protocol": 1})
    return path


def locate(entry, output):
    """Exit code of the command that writes an endpoint's model.json."""
    given = ["--endpoint", json.dumps(entry), "--output", str(output)]
    return main(["models", "--name", "far", *given])


def stage_arguments(tmp_path, problems, server, options=(), **endpoint):
    entry = {"url": server.url, "model": "m"} | endpoint
    model, output = tmp_path / "model.json", tmp_path / "out" / "shard.parquet"
    assert locate(entry, model) == 0
    drawn = ["--template", "plain", "--shard-size", "8", "--max-tokens", "100", *options]
    inputs = ["--model", str(model), "--problems", str(problems), "--output", str(output)]
    return ["sample", *inputs, *drawn], output


def stage(*arguments, **endpoint):
    command, output = stage_arguments(*arguments, **endpoint)
    return main(command), output


def stage_command(*arguments, **endpoint):
    return [sys.executable, "-m", "boundary", *stage_arguments(*arguments, **endpoint)[0]]


def test_the_stage_resumes_and_records_usage(tmp_path, problems, monkeypatch, capsys):
    monkeypatch.setenv("FAR_KEY", KEY)
    with FaultyServer("." * 9 + "5" * 99, key=KEY) as server:
        code, output = stage(tmp_path, problems, server, key_variable="FAR_KEY", concurrency=3)
        assert code == 1 and not output.exists()
        said = capsys.readouterr().err
        assert "what was drawn is kept; run the same command again" in said
        server.faults = ""
        asked = len(server.requests)
        code, output = stage(tmp_path, problems, server, key_variable="FAR_KEY", concurrency=3)
        assert code == 0
    assert len(server.requests) - asked == 24 - 9
    samples = read_records(output, "sample")
    assert len(samples) == 24 and samples["text"].nunique() == 24
    assert samples["token_ids"].isna().all() and samples["logprob_sum"].isna().all()
    provenance = read_provenance(output)
    assert [attempt["samples"] for attempt in provenance["attempts"]] == [9, 15]
    assert provenance["usage"]["completion_tokens"] == 24 * 3
    assert provenance["usage"]["prompt_tokens"] > 24
    said += capsys.readouterr().err
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 4
    assert KEY not in said and not any(KEY.encode() in content for content in written)


def test_a_refused_key_is_named_and_not_shown(tmp_path, problems, monkeypatch, capsys):
    monkeypatch.setenv("FAR_KEY", KEY)
    with FaultyServer(key="another") as server:
        code, _ = stage(tmp_path, problems, server, key_variable="FAR_KEY")
    said = capsys.readouterr().err
    assert code == 1 and "refuses the key (environment variable FAR_KEY)" in said
    assert KEY not in said


def test_a_key_that_a_server_repeats_is_struck_out(monkeypatch):
    class Telltale(FaultyServer):
        def answer(self, asked, path):
            raise AssertionError

        def _respond(self, handler, body, fault):
            said = f"bad request with {handler.headers['Authorization']}"
            self._send(handler, 400, {"error": {"message": said}})

    monkeypatch.setenv("FAR_KEY", KEY)
    with Telltale() as server, pytest.raises(BoundaryError) as raised:
        draw(server, key_variable="FAR_KEY")
    assert "Bearer [key]" in str(raised.value) and KEY not in str(raised.value)


def test_a_key_that_is_not_set_is_told_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("FAR_KEY", raising=False)
    with pytest.raises(BoundaryError, match="export FAR_KEY="):
        OpenAIEngine(Endpoint("http://127.0.0.1:9/v1", "m", key_variable="FAR_KEY"))


def test_no_key_of_another_host_is_sent(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FaultyServer(key=KEY) as server, pytest.raises(BoundaryError, match="refuses the key"):
        draw(server)


@pytest.mark.parametrize("url", ["https://me:pw@host/v1", "https://host/v1?key=abc"])
def test_a_secret_in_the_url_is_refused(tmp_path, capsys, url):
    output = tmp_path / "model.json"
    assert locate({"url": url, "model": "m"}, output) == 1
    said = capsys.readouterr().err
    assert "key_variable" in said and "pw" not in said and "abc" not in said
    assert not output.exists()


def test_a_secret_in_place_of_a_variable_is_refused_and_not_shown(tmp_path, capsys):
    for entry in (
        {"url": "https://host/v1", "model": "m", "key_variable": KEY},
        {"url": "https://host/v1", "model": "m", "key_variable": [KEY]},
        {"url": {"at": KEY}, "model": "m"},
    ):
        assert locate(entry, tmp_path / "model.json") == 1
        assert KEY not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "missing the key 'url' and 'model'"),
        ({"url": "host/v1", "model": "m"}, "url: expected: Where the API begins"),
        ({"url": "http://h/v1", "model": "m", "api": "Chat"}, "Did you mean 'chat'"),
        ({"url": "http://h/v1", "model": "m", "concurrency": 0}, "concurrency: 0 is less than"),
        ({"url": "http://h/v1", "model": "m", "concurrency": "4"}, "found '4'; expected integer"),
        ({"url": "http://h/v1", "model": "m", "modle": "n"}, "unknown key 'modle'"),
    ],
)
def test_an_endpoint_by_hand_is_checked_like_the_catalogues(tmp_path, capsys, entry, said):
    output = tmp_path / "model.json"
    assert locate(entry, output) == 1
    assert said in capsys.readouterr().err and not output.exists()


def test_what_is_no_json_is_a_usage_error(capsys):
    with pytest.raises(SystemExit):
        main(["models", "--name", "m", "--endpoint", f"{{'key': '{KEY}'}}", "--output", "x"])
    said = capsys.readouterr().err
    assert "--endpoint: not JSON" in said and KEY not in said


def test_no_header_of_another_account_is_sent(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, KEY)
    with FaultyServer() as server:
        draw(server)
    assert len(server.headers) == 6
    for headers in server.headers:
        assert "authorization" not in headers and KEY not in str(headers)


@pytest.mark.parametrize(("found", "sent"), [(f"{KEY}\n", KEY), (f" {KEY} ", KEY)])
def test_a_key_is_sent_without_the_space_around_it(monkeypatch, found, sent):
    monkeypatch.setenv("FAR_KEY", found)
    with FaultyServer(key=sent) as server:
        draw(server, key_variable="FAR_KEY")


@pytest.mark.parametrize("found", ["ключ", "one\ntwo"])
def test_what_can_be_no_key_is_told_before_anything_is_asked(monkeypatch, found):
    monkeypatch.setenv("FAR_KEY", found)
    with pytest.raises(BoundaryError, match="FAR_KEY holds characters that no key has") as raised:
        OpenAIEngine(Endpoint("http://127.0.0.1:9/v1", "m", key_variable="FAR_KEY"))
    assert found not in str(raised.value)


class Saying(FaultyServer):
    """A server whose answers are changed, each by the next of ``changes``, the last for good."""

    def __init__(self, *changes, **settings):
        super().__init__(**settings)
        self.changes = list(changes)

    def answer(self, asked, path):
        document = super().answer(asked, path)
        change = self.changes.pop(0) if len(self.changes) > 1 else self.changes[0]
        return change(document) or document


def text_is(text, reason="stop"):
    def change(document):
        (choice,) = document["choices"]
        choice["finish_reason"] = reason
        if "message" in choice:
            choice["message"]["content"] = text
        else:
            choice["text"] = text

    return change


@pytest.mark.parametrize("api", ["completions", "chat"])
@pytest.mark.parametrize(
    ("text", "reason", "stored", "told"),
    [
        ("1", "length", "1", "length"),
        ("1", "content_filter", "1", "error"),
        ("1", None, "1", "error"),
        (None, "stop", "", "error"),
        (None, "length", "", "length"),
        ("", "stop", "", "stop"),
        ("half \ud83d of a pair", "stop", "half \ufffd of a pair", "stop"),
        ("\ud83d\ude00 and \x00", "stop", "\U0001f600 and \x00", "stop"),
    ],
)
def test_any_text_can_be_stored_and_tells_how_it_ended(
    tmp_path, problems, api, text, reason, stored, told
):
    with Saying(text_is(text, reason)) as server:
        code, output = stage(tmp_path, problems, server, api=api)
    assert code == 0
    samples = read_records(output, "sample")
    assert set(samples["text"]) == {stored} and set(samples["finish_reason"]) == {told}


def usage_is(**usage):
    return lambda document: document | {"usage": usage}


HOSTILE = {
    "no usage": (lambda document: document | {"usage": None}, "does not tell how many tokens"),
    "null usage": (usage_is(prompt_tokens=1, completion_tokens=None), "does not tell how many"),
    "usage of another type": (usage_is(completion_tokens="3"), "does not tell how many tokens"),
    "cap ignored": (usage_is(completion_tokens=102), "drew 102 tokens where 100 were allowed"),
    "a list": (text_is(["one"]), "no text but a list"),
    "no choices": (lambda document: document | {"choices": []}, "no answer of OpenAI's API"),
    "null choices": (lambda document: document | {"choices": None}, "no answer of OpenAI's API"),
    "another document": (lambda document: {"hello": 1}, "no answer of OpenAI's API"),
    "a list of them": (lambda document: [document], "no answer of OpenAI's API"),
}


@pytest.mark.parametrize("api", ["completions", "chat"])
@pytest.mark.parametrize(("change", "said"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_sample_is_told_and_poisons_nothing(
    tmp_path, problems, capsys, api, change, said
):
    with Saying(lambda document: None, lambda document: None, change) as server:
        code, output = stage(tmp_path, problems, server, api=api, concurrency=1)
        assert code == 1 and said in capsys.readouterr().err
        server.changes = [lambda document: None]
        code, output = stage(tmp_path, problems, server, api=api)
    assert code == 0
    assert [attempt["samples"] for attempt in read_provenance(output)["attempts"]] == [2, 22]


def test_counts_that_a_server_leaves_open_stay_open():
    with Saying(usage_is(completion_tokens=101)) as server:  # an end token beyond the cap
        samples, _ = draw(server)
    assert {(sample.n_tokens, sample.n_prompt_tokens) for sample in samples} == {(101, None)}


def test_a_page_in_place_of_an_api_is_told():
    class Page(FaultyServer):
        def _respond(self, handler, body, fault):
            page = b"<html>welcome</html>"
            handler.send_response(200)
            handler.send_header("Content-Type", "text/html")
            handler.send_header("Content-Length", str(len(page)))
            handler.end_headers()
            handler.wfile.write(page)

    with Page() as server, pytest.raises(BoundaryError, match="often ends in /v1"):
        draw(server)


class Refusing(FaultyServer):
    """Refuses a question with a status and a code."""

    def __init__(self, question, status, code=None):
        super().__init__()
        self.question, self.refusal = question, (status, {"error": {"message": "no", "code": code}})

    def _respond(self, handler, body, fault):
        if json.loads(body)["prompt"] == self.question:
            return self._send(handler, *self.refusal)
        return super()._respond(handler, body, fault)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_would_be_refused_again_is_asked_once_and_first(status):
    """The longest prompt is asked for first: one that does not fit is told before any other is paid."""
    with Refusing("one two", status) as server:
        engine = OpenAIEngine(Endpoint(server.url, "m", concurrency=1))
        with pytest.raises(BoundaryError, match="and would again") as raised:
            list(engine.sample(REQUESTS[::-1], PARAMETERS, 7))
    assert len(server.requests) == 1
    assert "problem a" in str(raised.value) and "same command" not in str(raised.value)


def test_a_filtered_answer_is_a_failed_sample():
    with Refusing("three", 400, "content_filter") as server:
        samples, _ = draw(server)
    assert keys(samples) == EXPECTED
    by_problem = {
        problem: {s.finish_reason for s in samples if s.problem_id == problem} for problem in "ab"
    }
    assert by_problem == {"a": {"stop"}, "b": {"error"}}


def test_a_long_pause_that_the_server_asks_for_is_told():
    class Busy(FaultyServer):
        def _respond(self, handler, body, fault):
            self._send(handler, 429, {"error": {"message": "quota"}}, {"Retry-After": "7200"})

    with Busy() as server, pytest.raises(BoundaryError, match="asks to wait 7200 seconds"):
        draw(server)


def test_a_server_that_has_answered_is_waited_for_longer(monkeypatch):
    monkeypatch.setattr("boundary.sampling.openai_engine.RETRIES", 9)
    with FaultyServer("." + "5" * 9) as server:
        samples, _ = draw(server, concurrency=1)
    assert keys(samples) == EXPECTED
    with FaultyServer("5" * 9) as server, pytest.raises(BoundaryError):
        draw(server, concurrency=1)
    assert len(server.requests) == 4


def test_another_api_is_another_set_of_samples(tmp_path, problems):
    with FaultyServer() as server:
        for asked, api in ((24, "completions"), (48, "chat"), (48, "chat")):
            stage(tmp_path, problems, server, api=api)
            assert len(server.requests) == asked


def test_every_model_that_served_is_recorded(tmp_path, problems, monkeypatch):
    monkeypatch.setattr("boundary.sampling.shard.SECONDS_BETWEEN_FLUSHES", 0)
    named = [lambda document, name=name: document | {"model": name} for name in ("x", "y", None)]

    def forget(document):
        return {key: value for key, value in document.items() if key != "model"}

    with Saying(forget, *named) as server:
        code, output = stage(tmp_path, problems, server, concurrency=1)
    assert code == 0
    (attempt,) = read_provenance(output)["attempts"]
    assert attempt["served"] == ["unnamed", "x", "y"] and attempt["samples"] == 24


class Holding(FaultyServer):
    """Holds every answer back until it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    def answer(self, asked, path):
        self.let_go.wait(60)
        return super().answer(asked, path)


def test_an_interrupt_asks_for_nothing_more_and_keeps_what_comes(tmp_path, problems):
    """As a user does it: a stage of its own, and Ctrl-C."""
    with Holding() as server:
        command = stage_command(tmp_path, problems, server, concurrency=4)

        def interrupted(asked):
            process = subprocess.Popen(
                command,
                stderr=subprocess.PIPE,
                text=True,
                # Who runs the tests in a shell's background ignores interrupts, and so would the stage.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            while len(server.requests) < asked:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            while "interrupt again to drop them" not in process.stderr.readline():
                assert process.poll() is None
            return process

        process = interrupted(4)
        server.let_go.set()
        assert process.wait(60) == 130 and len(server.requests) == 4
        (journal,) = (tmp_path / "out" / "kept").glob("*.jsonl")
        assert journal.read_text().count('"sample_index"') == 4
        process.stderr.close()

        server.let_go.clear()
        process = interrupted(8)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130  # while no answer has come
        process.stderr.close()
        server.let_go.set()
    assert len(server.requests) == 8 and journal.read_text().count('"sample_index"') == 4


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["--dtype", "float32"], "dtype"),
        (["--max-model-len", "100", "--max-pixels", "99"], "max_model_len and max_pixels"),
    ],
)
def test_settings_that_a_server_decides_are_refused(tmp_path, problems, capsys, settings, named):
    with FaultyServer() as server:
        code, _ = stage(tmp_path, problems, server, settings)
    assert code == 1 and f"its server decides on {named}; leave" in capsys.readouterr().err
    assert not server.requests
