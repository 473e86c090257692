"""The endpoint engine against `vllm serve` on this machine, through a proxy that fails on command."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pandas as pd
import pytest
from boundary.data.records import read_provenance
from conftest import ENVIRONMENT, assert_agreement, run
from faulty_server import FaultyServer

KEY = "key-of-the-tests-0123456789"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def server(mini, tmp_path_factory):
    """The URL of a real server of mini-base."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", mini.checkpoint),
        *("--served-model-name", "mini-base", "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--enforce-eager", "--max-model-len", "128"),
        *("--generation-config", "vllm", "--api-key", KEY),
    ]
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            env=ENVIRONMENT | {"VLLM_NO_USAGE_STATS": "1"},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 900
        while not is_up(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_samples_of_a_real_server_agree_through_injected_failures(
    mini, server, golds, by_transformers, tmp_path, monkeypatch
):
    """1,600 samples; one request in eight meets a 429, a 500, a drop or a time-out."""
    monkeypatch.setitem(ENVIRONMENT, "SERVED_KEY", KEY)
    model, output = tmp_path / "model.json", tmp_path / "shard.parquet"
    with FaultyServer("......4......x......5.....t" * 50, upstream=server, stall=15) as proxy:
        entry = {
            "url": proxy.url,
            "model": "mini-base",
            "key_variable": "SERVED_KEY",
            "concurrency": 64,
            "timeout": 10,
            "send_seed": False,  # vLLM on a CPU refuses them
        }
        located = ["--name", "served", "--endpoint", json.dumps(entry)]
        run("models", *located, "--output", model)
        options = ["--model", model, "--shard-size", 16]
        done = run(*mini.stage(output, *options, engine="openai"))
        assert len(proxy.requests) > 1600 + 150
        assert 16 < proxy.most_at_once <= 64 + 50  # a stalled request may outlive its client
    samples = pd.read_parquet(output)
    assert len(samples) == 1600
    assert not samples.duplicated(["problem_id", "sample_index"]).any()
    assert_agreement(samples, by_transformers, golds)
    provenance = read_provenance(output)
    assert provenance["usage"]["completion_tokens"] == samples["n_tokens"].sum()
    (attempt,) = provenance["attempts"]
    assert attempt["engine"] == "openai" and attempt["served"] == ["mini-base"]
    assert KEY not in done.stderr
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*.*"))


def test_a_wrong_key_is_a_message_without_it(mini, server, tmp_path, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "SERVED_KEY", "a-wrong-key-0123456789")
    model, output = tmp_path / "model.json", tmp_path / "shard.parquet"
    entry = {"url": server, "model": "mini-base", "key_variable": "SERVED_KEY"}
    run("models", "--name", "served", "--endpoint", json.dumps(entry), "--output", model)
    done = run(*mini.stage(output, "--model", model, engine="openai"), check=False)
    assert done.returncode == 1 and not output.exists()
    assert "refuses the key (environment variable SERVED_KEY)" in done.stderr
    assert "a-wrong-key" not in done.stderr and "Traceback" not in done.stderr
