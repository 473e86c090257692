"""Stage audit: have a person judge a sample of the verdicts; how often they err, and pass@k without."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.arguments import at_least, level

if TYPE_CHECKING:
    from boundary.estimation.audit import AuditEstimates

HELP = "have a person judge a sample of the verdicts, and correct pass@k for the verifier's errors"
EXAMPLES = """\
examples:
  draw 200 verdicts of a cell for a person to judge:
    boundary audit draw --verdicts verdicts/shard-*.parquet --samples samples/shard-*.parquet \\
        --problems problems.parquet --n 128 --output audit
  read audit/audit.html, fill in the column person of audit/audit.csv, then:
    boundary audit read --sheet audit/audit.csv --output audit/results

A sheet that is filled in only in part can be read, too: its rows are in random order.
"""
NAMES = {"page": "audit.html", "sheet": "audit.csv", "key": "key.parquet"}
WHAT_RATES_ARE = {
    "false_positive_rate": "of the samples that are wrong, verdict correct",
    "false_negative_rate": "of the samples that are right, verdict not correct",
    "false_share_of_correct": "of the verdicts of correct, those that are wrong",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's steps and their arguments."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    draw = steps.add_parser("draw", help="write a sheet of verdicts to judge, and its key")
    for name, what in (("verdicts", "verdicts"), ("samples", "samples, which these judge")):
        draw.add_argument(
            f"--{name}", type=Path, nargs="+", required=True, help=f"the cell's shards of {what}"
        )
    draw.add_argument("--problems", type=Path, required=True, help="problems.parquet")
    draw.add_argument(
        "--n", type=at_least(1), required=True, help="samples of every problem to audit"
    )
    draw.add_argument(
        "--size", type=at_least(1), default=200, help="answers to judge (default: 200)"
    )
    draw.add_argument("--seed", type=at_least(0), default=0, help="seed of the draw (default: 0)")
    draw.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help=f"where to write {', '.join(NAMES.values())}",
    )
    read = steps.add_parser("read", help="estimate error rates and pass@k from a filled-in sheet")
    read.add_argument("--sheet", type=Path, required=True, help="audit.csv, filled in")
    read.add_argument("--key", type=Path, help="key.parquet (default: beside the sheet)")
    read.add_argument(
        "--draws", type=at_least(1), default=2000, help="of what is not known (default: 2000)"
    )
    read.add_argument(
        "--level", type=level, default=0.95, help="coverage of the intervals (default: 0.95)"
    )
    read.add_argument("--seed", type=at_least(0), default=0, help="seed of the draws (default: 0)")
    read.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where to write rates.csv, strata.csv, pass_at_k.csv and disagreements.csv",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run one step."""
    if arguments.step == "draw":
        _draw(arguments)
    else:
        _read(arguments)


def _draw(arguments: argparse.Namespace) -> None:
    from boundary.data.records import read_records
    from boundary.sheets import audit, cell_sheet
    from boundary.sheets.pictures import name_pictures, picture_rules, visual_problems
    from boundary.sheets.sheet import check_absent, write_sheet

    output = {name: arguments.output / file for name, file in NAMES.items()}
    check_absent(output["sheet"])
    columns = ["problem_id", "domain", "question", "gold"]
    problems = read_records(arguments.problems, "problem", columns)
    problems = problems.set_index("problem_id")
    problem_ids = list(problems.index)
    verdicts, about = cell_sheet.read_cell(
        arguments.verdicts, arguments.samples, problem_ids, arguments.n
    )
    about |= {"size": arguments.size, "seed": arguments.seed}
    about["unaudited"] = audit.check_audited(verdicts, problem_ids)
    units = audit.audit_units(verdicts, arguments.seed)
    drawn = audit.draw_audit(units, arguments.size, arguments.seed)
    units["id"] = audit.name_units(units, drawn, str([arguments.seed, about["verdicts_sha256"]]))
    units["gold"] = units["problem_id"].map(problems["gold"])
    chosen = units.iloc[drawn]
    responses = cell_sheet.read_responses(
        arguments.samples, zip(chosen["problem_id"], chosen["sample_index"], strict=True)
    )
    visual = visual_problems(dict(problems["domain"]), chosen["problem_id"])
    pictures = name_pictures(arguments.problems, visual)
    cards = audit.audit_cards(chosen, dict(problems["question"]), responses, pictures)
    cell_sheet.write_key(output["key"], audit.KEY_SCHEMA, units, about)
    write_sheet(
        output["page"],
        output["sheet"],
        title=audit.TITLE,
        instructions=audit.INSTRUCTIONS,
        cards=cards,
        questions=audit.QUESTIONS,
        rules=picture_rules(arguments.problems, visual),
    )
    print(
        f"{len(cards)} of {len(units):,} units from {units['stratum'].nunique()} strata.\n"
        f"Read {output['page']} and fill in the column person of {output['sheet']}, then run\n"
        f"  boundary audit read --sheet {output['sheet']} --output {arguments.output / 'results'}\n"
        f"{output['key']} says what the verdicts were; whoever judges does not look into it."
    )


def _read(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.spreadsheet import spreadsheet_cell
    from boundary.estimation.audit import disagreements, estimate_audit
    from boundary.sheets.audit import QUESTIONS, read_key
    from boundary.sheets.cell_sheet import gold_text
    from boundary.sheets.sheet import read_sheet

    units, about = read_key(arguments.key or arguments.sheet.with_name(NAMES["key"]))
    judged = read_sheet(arguments.sheet, list(units["id"].dropna()), QUESTIONS).set_index("id")
    units = units.join(judged, on="id")
    settings = {"draws": arguments.draws, "level": arguments.level, "seed": arguments.seed}
    estimates = estimate_audit(units, **settings)
    columns = ["id", "problem_id", "gold", "answer", "verdict", "rung", "samples", "person", "note"]
    errors = units.loc[disagreements(units), columns]
    errors["gold"] = errors["gold"].map(gold_text)
    errors = errors.fillna("").map(lambda cell: spreadsheet_cell(str(cell)))
    for name, table in {**estimates._asdict(), "disagreements": errors}.items():
        write_csv(arguments.output / f"{name}.csv", table)
    print(summarise(estimates, about, arguments.level))
    print(f"{len(errors)} disagreements are in {arguments.output / 'disagreements.csv'}.")


def summarise(estimates: AuditEstimates, about: dict[str, Any], level: float) -> str:
    """The results for reading. ``about`` is the key's."""
    strata = estimates.strata
    drawn, judged, unclear = (int(strata[name].sum()) for name in ("drawn", "judged", "unclear"))
    cell = about["samples"]
    unaudited = ", ".join(f"{count:,} {verdict}" for verdict, count in about["unaudited"].items())
    lines = [
        f"{cell.get('model')} on {cell.get('benchmark')}, n = {about['n']}: "
        f"{strata['samples'].sum():,} judged samples in {strata['units'].sum():,} units",
        f"{drawn} units drawn: {judged} judged, {strata['errors'].sum()} of these otherwise than the "
        f"verifier did; {unclear} unclear, {drawn - judged - unclear} not judged yet",
        f"not audited, as they judge nothing: {unaudited}",
        "",
        f"median and {level:.0%} interval, of the audit's uncertainty alone and not the problems'",
    ]
    for row in estimates.rates.to_dict("records"):
        interval = "{estimate:.2%} [{low:.2%}, {high:.2%}]".format_map(row)
        lines.append(f"  {row['rate']:22}  {interval:26}  {WHAT_RATES_ARE[row['rate']]}")
    if unseen := list(strata.loc[strata["judged"] == 0, "stratum"]):
        lines.append(
            f"  nothing is judged of {', '.join(unseen)}: all or none of it may be in error"
        )
    lines += ["", "       k   pass@k   corrected"]
    curve = "  {k:6}   {pass_at_k:.4f}   {corrected:.4f} [{low:.4f}, {high:.4f}]"
    lines += [curve.format_map(row) for row in estimates.pass_at_k.to_dict("records")]
    if (largest := int(estimates.pass_at_k["k"].max())) < about["n"]:
        lines.append(f"  to k = {largest}: the least that was judged of a problem")
    return "\n".join(lines)
