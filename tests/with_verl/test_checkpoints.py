"""What VeRL itself writes, a checkpoint and a log, becomes a model and a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boundary.data.checkpoint import checkpoint_digest
from boundary.sampling.encoding import Encoding
from boundary.training.verl_runs.exported import export_steps
from boundary.training.verl_runs.metrics import NAMES, training_metrics
from boundary.training.verl_runs.overrides import RAW_PROMPT, Run
from test_settings import RECIPES
from transformers import AutoModelForCausalLM, AutoTokenizer
from verl.utils.checkpoint.checkpoint_manager import get_checkpoint_tracker_filename
from verl.utils.config import omega_conf_to_dataclass
from verl.utils.tracking import Tracking


@pytest.fixture
def process_group(tmp_path):
    """One process, which shards a model among itself."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


def test_a_checkpoint_as_verl_saves_it_is_a_model(
    tmp_path, random_checkpoint, process_group, composed
):
    from torch.distributed.fsdp import fully_shard
    from verl.utils.checkpoint.fsdp_checkpoint_manager import FSDPCheckpointManager

    checkpoints = tmp_path / "checkpoints"
    run = Run("m", random_checkpoint, tmp_path / "prompts.parquet", 10, checkpoints)
    config = composed(RECIPES["qwen2.5-7b-grpo-450"], run)
    model = AutoModelForCausalLM.from_pretrained(random_checkpoint, dtype=torch.float32)
    with torch.no_grad():
        model.lm_head.weight += 0.5  # the training
    trained = {name: weight.clone() for name, weight in model.state_dict().items()}
    mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters())
    tokenizer = AutoTokenizer.from_pretrained(random_checkpoint)
    tokenizer.chat_template = RAW_PROMPT
    manager = FSDPCheckpointManager(
        model=model,
        optimizer=optimizer,
        lr_scheduler=torch.optim.lr_scheduler.ConstantLR(optimizer),
        processing_class=tokenizer,
        checkpoint_config=omega_conf_to_dataclass(config.actor_rollout_ref.actor.checkpoint),
    )
    manager.save_checkpoint(str(checkpoints / "global_step_10" / "actor"), global_step=10)
    with open(get_checkpoint_tracker_filename(str(checkpoints)), "w") as file:  # noqa: PTH123
        file.write("10")
    export_steps(checkpoints, random_checkpoint, tmp_path / "exported", [10])
    folder = tmp_path / "exported" / "10"
    assert checkpoint_digest(folder) != checkpoint_digest(random_checkpoint)
    found = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
    assert all(found[name].equal(trained[name]) for name in trained)
    ours, its = Encoding(random_checkpoint), Encoding(folder)
    assert its.prompt_ids("1+2=") == ours.prompt_ids("1+2=") and its.chat_template is None
    assert its.end_token_ids(None) == ours.end_token_ids(None)


def test_a_log_as_verl_writes_it_is_a_table(tmp_path, monkeypatch):
    for attempt, steps in enumerate(([1, 2], [2, 3])):
        monkeypatch.setenv("VERL_FILE_LOGGER_PATH", str(tmp_path / f"{attempt}.jsonl"))
        tracking = Tracking("boundary", "m", default_backend=["file"], config={})
        for step in steps:
            told = dict.fromkeys(NAMES.values(), step + 10.0 * attempt)
            tracking.log(told | {"perf/mfu/actor": np.float32(0.5)}, step=step)
        tracking.finish()
    table = training_metrics([tmp_path / "0.jsonl", tmp_path / "1.jsonl"])
    assert list(table["step"]) == [1, 2, 3] and list(table["entropy"]) == [1.0, 12.0, 13.0]


def test_verl_logs_what_is_read():
    """By the names that its trainer gives them: workers' own get a prefix."""
    from pathlib import Path

    import verl
    from verl.utils.py_functional import rename_dict

    folder = Path(verl.__file__).parent
    losses = (folder / "workers" / "utils" / "losses.py").read_text()
    written = {'metrics["actor/pg_loss"]', 'metrics["kl_loss"]', '"critic/vf_loss":'}
    assert all(name in losses for name in written)
    assert list(rename_dict({"kl_loss": 0, "actor/pg_loss": 0}, "actor/")) == [
        NAMES["kl"],
        NAMES["loss"],
    ]
    assert list(rename_dict({"critic/vf_loss": 0}, "critic/")) == [NAMES["value_loss"]]
    metrics = (folder / "trainer" / "ppo" / "metric_utils.py").read_text()
    assert f'"{NAMES["reward"]}"' in metrics and f'"{NAMES["response_length"]}"' in metrics
    for trainer in ("ray_trainer.py", "v1/trainer_base.py"):
        assert f'"{NAMES["entropy"]}"' in (folder / "trainer" / "ppo" / trainer).read_text()
