"""What the schema cannot say of a training recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from boundary.errors import BoundaryError
from boundary.miniature.worlds import HABITS, world_of
from boundary.study.benchmark import check_world

KEYS_OF_ALGORITHMS = {"clip_high": "dapo", "value_learning_rate": "ppo"}


def check_rlvr(recipe: Mapping[str, Any], place: str) -> None:
    """See that a recipe on verified rewards fits together. Raises BoundaryError naming the part."""
    updates, problems = recipe["updates_per_step"], recipe["problems_per_step"]
    if updates > problems:
        raise BoundaryError(
            f"{place}.updates_per_step: found {updates}; expected at most problems_per_step, {problems}"
        )
    for key, algorithm in KEYS_OF_ALGORITHMS.items():
        if (key in recipe) != (recipe["algorithm"] == algorithm):
            found = f"found {key}, which only" if key in recipe else f"needs {key}, which"
            raise BoundaryError(f"{place}: {found} the algorithm {algorithm} has")
    if recipe.get("clip_high", recipe["clip"]) < recipe["clip"]:
        raise BoundaryError(
            f"{place}.clip_high: found {recipe['clip_high']}; expected no less than clip, {recipe['clip']}"
        )


def check_verl(recipe: Mapping[str, Any], place: str) -> None:
    """The same of a ``verl`` recipe, whose updates and GPUs take equal shares of the rollouts."""
    check_rlvr(recipe, place)
    updates, problems = recipe["updates_per_step"], recipe["problems_per_step"]
    if problems % updates:
        raise BoundaryError(
            f"{place}.updates_per_step: found {updates}; expected a divisor of problems_per_step, "
            f"{problems}: VeRL's updates are of equal size"
        )
    rollouts = problems // updates * recipe["rollouts"]
    if rollouts % recipe["gpus"]:
        raise BoundaryError(
            f"{place}.gpus: found {recipe['gpus']}; expected a divisor of the {rollouts} rollouts of an "
            "update (problems_per_step / updates_per_step * rollouts), which VeRL spreads over them"
        )


def check_pretraining(recipe: Mapping[str, Any], place: str) -> None:
    """See that a ``pretrain`` recipe's parts fit each other. Raises BoundaryError naming the part."""
    check_corpus(recipe["corpus"], f"{place}.corpus")
    size, heads = (recipe["architecture"][key] for key in ("hidden_size", "heads"))
    if size % (2 * heads):
        raise BoundaryError(
            f"{place}.architecture: found hidden_size {size} and {heads} heads; expected heads of an even "
            "number of dimensions"
        )
    vision = recipe["architecture"].get("vision")
    if vision and vision["hidden_size"] % (4 * vision["heads"]):
        raise BoundaryError(
            f"{place}.architecture.vision: found hidden_size {vision['hidden_size']} and {vision['heads']} "
            "heads; expected a multiple of four times the number of heads"
        )
    pictures = world_of(recipe["corpus"]) == "pictures"
    if pictures != (vision is not None):
        raise BoundaryError(
            f"{place}.architecture: {'needs' if pictures else 'found'} vision, which models that read the "
            "world pictures have, and no others"
        )


def check_finetuning(recipe: Mapping[str, Any], place: str) -> None:
    """See that a ``finetune`` recipe's parts fit each other. Raises BoundaryError naming the part."""
    if "corpus" not in recipe:
        return
    check_corpus(recipe["corpus"], f"{place}.corpus")
    if world_of(recipe["corpus"]) == "pictures":
        raise BoundaryError(
            f"{place}.corpus.world: found pictures, on which nothing is fine-tuned here; name another world"
        )


def check_corpus(corpus: Mapping[str, Any], place: str) -> None:
    """See that the parts of a recipe's ``corpus`` fit each other. Raises BoundaryError naming the part."""
    check_world(corpus, place)
    habits, known = corpus["habits"], HABITS[world_of(corpus)]
    for habit in habits:
        if habit not in known:
            raise BoundaryError(
                f"{place}.habits: found {habit}, which no author of the world {world_of(corpus)} "
                f"has; expected some of {', '.join(known)}"
            )
    if not math.isclose(sum(habits.values()), 1):
        raise BoundaryError(f"{place}.habits: found {habits}; expected shares that sum to 1")


# By the key of the recipe.
CHECKS = {
    "pretrain": check_pretraining,
    "rlvr": check_rlvr,
    "verl": check_verl,
    "finetune": check_finetuning,
}
