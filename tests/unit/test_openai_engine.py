"""The endpoint engine against a server of our own, which fails on command."""

import itertools
import json
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
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)


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
    with pytest.raises(BoundaryError, match=r"no answer \(APIConnectionError\) after 3 retries"):
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


def stage(tmp_path, problems, server, **endpoint):
    entry = {"url": server.url, "model": "m"} | endpoint
    model, output = tmp_path / "model.json", tmp_path / "out" / "shard.parquet"
    located = ["models", "--name", "far", "--endpoint", json.dumps(entry), "--output", str(model)]
    assert main(located) == 0
    drawn = ["--template", "plain", "--shard-size", "8", "--output", str(output)]
    return main(["sample", "--model", str(model), "--problems", str(problems), *drawn]), output


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
    entry = json.dumps({"url": url, "model": "m"})
    output = tmp_path / "model.json"
    assert main(["models", "--name", "m", "--endpoint", entry, "--output", str(output)]) == 1
    said = capsys.readouterr().err
    assert "key_variable" in said and "pw" not in said and "abc" not in said
    assert not output.exists()


def test_a_server_that_reports_no_usage_is_refused():
    class Silent(FaultyServer):
        def answer(self, asked, path):
            return super().answer(asked, path) | {"usage": None}

    with Silent() as server, pytest.raises(BoundaryError, match="does not tell how many tokens"):
        draw(server)
