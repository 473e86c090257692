"""The project's own configuration, to be copied and edited by tests."""

from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "workflow" / "schemas"
# The miniature's models by the algorithm that makes them of the same base.
BY_ALGORITHM = {
    "ppo": "mini-ppo",
    "grpo": "mini-grpo",
    "reinforce_plus_plus": "mini-reinforce-pp",
    "rloo": "mini-rloo",
    "remax": "mini-remax",
    "dapo": "mini-dapo",
}


def edit(file: Path, change: Callable) -> None:
    """Change what a YAML file holds."""
    document = yaml.safe_load(file.read_text())
    change(document)
    file.write_text(yaml.safe_dump(document, sort_keys=False))
