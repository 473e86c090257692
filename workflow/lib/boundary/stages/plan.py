"""Print what a study would take: cells, tokens, GPU hours and disk, of each exhibit and in all."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from boundary.errors import BoundaryError, unknown_name

if TYPE_CHECKING:
    from boundary.planning.plan import PlannedCell
    from boundary.study.study import Exhibit, Study

HELP = "print what a study would take, before anything runs"
EXAMPLES = """\
from the project's folder, where config/ and results/ are
    boundary plan --study paper                        # every figure, table and sheet, and all of them
    boundary plan --study paper fig2 fig9              # two figures, and both together
    boundary plan --study paper --output plan.csv      # also the cells, one a row
lengths, rates and bytes are estimates, which stand in config/costs.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "exhibits", nargs="*", metavar="EXHIBIT", help="figures, tables and sheets (default: all)"
    )
    parser.add_argument("--study", required=True, help="name of a file in CONFIG/studies")
    parser.add_argument(
        "--config", type=Path, default=Path("config"), help="the folder (default: config)"
    )
    parser.add_argument("--results", type=Path, help="what is there (default: results/STUDY)")
    parser.add_argument("--output", type=Path, metavar="PLAN.csv", help="write the cells as CSV")


def run(arguments: argparse.Namespace) -> None:
    """Read the study and what is there, and print the plan."""
    from boundary.planning import table
    from boundary.planning.costs import load_costs
    from boundary.planning.found import look
    from boundary.planning.plan import plan_cells
    from boundary.planning.trainings import trainings_on_gpus
    from boundary.study.documents import SCHEMAS
    from boundary.study.load import load_study
    from boundary.study.obstacles import obstacles

    study = load_study(arguments.study, arguments.config, SCHEMAS)
    costs = load_costs(arguments.config, SCHEMAS, study.catalogue)
    chosen = _choose(study, arguments.exhibits)
    in_the_way = {exhibit.name: obstacles(study, exhibit) for exhibit in study.exhibits.values()}
    makeable = [exhibit for exhibit in study.exhibits.values() if not in_the_way[exhibit.name]]
    found = look(study, arguments.results or Path("results") / study.name)

    def plan(exhibits: Iterable[Exhibit]) -> list[PlannedCell]:
        return plan_cells(study, exhibits, costs, found, makeable)

    planned = [exhibit for exhibit in chosen if exhibit in makeable]
    rows = {exhibit.name: plan([exhibit]) for exhibit in planned}
    of_default = [exhibit for exhibit in planned if not exhibit.by_name]
    if not arguments.exhibits and len(of_default) < len(planned):
        rows["without those made by name alone"] = plan(of_default)
    cells = plan(planned)
    rows["in all, each cell once"] = cells
    if arguments.output is not None:
        table.write_cells(arguments.output, cells)
    print(f"Study {study.name}: what it takes, by the estimates of {arguments.config}/costs.yaml\n")
    print("\n".join(table.lay_out(rows, found.problems)))
    trained = trainings_on_gpus(study, planned)
    by_name = [] if arguments.exhibits else [each.name for each in planned if each.by_name]
    print(
        "\n".join(
            table.notes(
                cells, trained, by_name, {each.name: in_the_way[each.name] for each in chosen}
            )
        )
    )
    if arguments.output is not None:
        print(f"\nCell by cell: {arguments.output}.")


def _choose(study: Study, names: Sequence[str]) -> list[Exhibit]:
    for name in names:
        if name not in study.exhibits:
            raise BoundaryError(
                f"study {study.name}: {unknown_name('figure, table or sheet', name, study.exhibits)}"
            )
    return [study.exhibits[name] for name in dict.fromkeys(names or study.exhibits)]
