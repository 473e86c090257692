"""Stage chains: have a person judge the ways to rare right answers; how many problems they leave solved."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundary.arguments import at_least, level, share

if TYPE_CHECKING:
    import pandas as pd

    from boundary.estimation.chains import ChainEstimates

HELP = (
    "have a person judge the chains of thought that led to rare right answers, and correct pass@k"
)
EXAMPLES = """\
examples:
  lay out all correct responses to the problems that are answered right in less than 5 % of samples:
    boundary chains draw --verdicts verdicts/shard-*.parquet --samples samples/shard-*.parquet \\
        --problems problems.parquet --n 128 --output chains
  read chains/chains.html, fill in the column chain of chains/chains.csv, then:
    boundary chains read --sheet chains/chains.csv --output chains/results

A sheet that is filled in only in part can be read, too: what is left is reported as open.
Where no problem lies in the range, the page says so, and there is nothing to fill in.
A sheet is never written over: drawn again for the same responses it stays as it is.
"""
NAMES = {"page": "chains.html", "sheet": "chains.csv", "key": "key.parquet"}


def exact_share(text: str) -> Fraction:
    """A share of 0 to 1 as it is written, so that 0.05 is one in twenty."""
    share(text)
    return Fraction(text.strip())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's steps and their arguments."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    draw = steps.add_parser("draw", help="write a sheet of responses to judge, and its key")
    for name, what in (("verdicts", "verdicts"), ("samples", "samples, which these judge")):
        draw.add_argument(
            f"--{name}", type=Path, nargs="+", required=True, help=f"the cell's shards of {what}"
        )
    draw.add_argument("--problems", type=Path, required=True, help="problems.parquet")
    draw.add_argument(
        "--guessable", type=Path, help="CSV of `boundary analyse guessable`: problems to leave out"
    )
    draw.add_argument("--n", type=at_least(1), required=True, help="samples of every problem")
    draw.add_argument(
        "--below",
        type=exact_share,
        default="0.05",
        help="check the problems whose accuracy is above 0 and below this (default: 0.05)",
    )
    draw.add_argument("--caption", default="", help="what the page says above its instructions")
    draw.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help=f"where to write {', '.join(NAMES.values())}",
    )
    read = steps.add_parser(
        "read", help="count valid chains and correct pass@k by a filled-in sheet"
    )
    read.add_argument("--sheet", type=Path, required=True, help="chains.csv, filled in")
    read.add_argument("--key", type=Path, help="key.parquet (default: beside the sheet)")
    read.add_argument(
        "--level", type=level, default=0.95, help="coverage of the intervals (default: 0.95)"
    )
    read.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where to write problems.csv and pass_at_k.csv",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run one step."""
    if arguments.step == "draw":
        _draw(arguments)
    else:
        _read(arguments)


def _draw(arguments: argparse.Namespace) -> None:
    from boundary.data.records import read_records
    from boundary.sheets import cell_sheet, chains
    from boundary.sheets.pictures import name_pictures, picture_rules, visual_problems
    from boundary.sheets.sheet import to_page, write_page, write_table

    output = {name: arguments.output / file for name, file in NAMES.items()}
    columns = ["problem_id", "domain", "question", "gold"]
    problems = read_records(arguments.problems, "problem", columns)
    problems = problems.set_index("problem_id")
    key, about = _lay_out(arguments, list(problems.index))
    _check_kept(output, key)
    checked = key.dropna(subset="id")
    caption = [arguments.caption] if arguments.caption else []
    if checked.empty:
        said = _nothing_to_judge(key, about)
        write_page(output["page"], to_page(chains.TITLE, [*caption, said], [], []))
        print(said)
        return
    visual = visual_problems(dict(problems["domain"]), checked["problem_id"])
    pictures = name_pictures(arguments.problems, visual)
    texts = dict(problems["question"]), dict(problems["gold"])
    cards = chains.chain_cards(checked, *texts, pictures)
    instructions, rules = (
        [*caption, *chains.INSTRUCTIONS],
        picture_rules(arguments.problems, visual),
    )
    write_page(output["page"], to_page(chains.TITLE, instructions, cards, chains.QUESTIONS, rules))
    if not output["key"].exists():
        cell_sheet.write_key(output["key"], chains.KEY_SCHEMA, key, about)
    if not output["sheet"].exists():
        write_table(output["sheet"], cards, chains.QUESTIONS)
    print(_how_to_judge(output, checked, about, key["problem_id"].nunique()))


def _check_kept(output: dict[str, Path], key: pd.DataFrame) -> None:
    """See that a sheet or a key that is there has the same cards: somebody's work may be in it."""
    from boundary.errors import BoundaryError
    from boundary.sheets.chains import is_key_of

    there = [output[name] for name in ("sheet", "key") if output[name].exists()]
    if there and not is_key_of(output["key"], key):
        raise BoundaryError(
            f"{there[0]} exists, and somebody may have filled it in; the responses to judge are others "
            f"now. Move {', '.join(NAMES.values())} to another folder, where `boundary chains read` takes "
            "them as they are, or remove them; then run this again"
        )


def _nothing_to_judge(key: pd.DataFrame, about: dict[str, Any]) -> str:
    return (
        f"None of the {len(key)} problems{_left_out(about)} has {_within(about)}: "
        f"{key['correct'].eq(0).sum()} were never answered right, the others more often. There is nothing "
        "to judge."
    )


def _how_to_judge(
    output: dict[str, Path], checked: pd.DataFrame, about: dict[str, Any], problems: int
) -> str:
    results = output["sheet"].parent / "results"
    return (
        f"{checked['problem_id'].nunique()} of {problems} problems{_left_out(about)} have "
        f"{_within(about)}; their {checked['samples'].sum():,} correct responses are {len(checked):,} "
        f"different texts.\n"
        f"Read {output['page']} and fill in the column chain of {output['sheet']}, then run\n"
        f"  boundary chains read --sheet {output['sheet']} --output {results}\n"
        f"which takes {output['key']} with it."
    )


def _within(about: dict[str, Any]) -> str:
    return f"an accuracy above 0 and below {_percent(about['below'])}"


def _left_out(about: dict[str, Any]) -> str:
    """What is to be said of a filter; keys of sheets that were drawn before there were any tell nothing."""
    left_out = about.get("left_out", 0)
    return f", {left_out} guessable ones being left out," if left_out else ""


def _lay_out(
    arguments: argparse.Namespace, problem_ids: list[str]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The key's rows with what their cards show, and what the key says about them."""
    from boundary.data.provenance import file_digest
    from boundary.estimation.counts import count_correct
    from boundary.estimation.guesses import leave_out, read_guessable
    from boundary.sheets import cell_sheet, chains
    from boundary.sheets.audit import check_audited

    n, below = arguments.n, arguments.below
    verdicts, about = cell_sheet.read_cell(arguments.verdicts, arguments.samples, problem_ids, n)
    counts, _ = count_correct([verdicts], problem_ids, n)
    if arguments.guessable:
        counts = leave_out(counts, read_guessable(arguments.guessable))
        verdicts = verdicts[verdicts["problem_id"].isin(counts["problem_id"])]
    about |= {
        "below": float(below),
        "unjudged": check_audited(verdicts, list(counts["problem_id"])),
        "left_out": len(problem_ids) - len(counts),
    }
    pairs = zip(counts["correct"], counts["n"], strict=True)
    rare = counts.loc[[chains.is_rare(*pair, below) for pair in pairs], "problem_id"]
    correct = verdicts[verdicts["verdict"].eq("correct") & verdicts["problem_id"].isin(rare)]
    responses = cell_sheet.read_responses(
        arguments.samples, zip(correct["problem_id"], correct["sample_index"], strict=True)
    )
    # Of the samples and not of the verdicts: judged again with the same result, they are the same cards.
    salt = str([n, str(below), sorted(map(file_digest, arguments.samples))])
    return chains.lay_out(counts, correct, responses, salt), about


def _read(arguments: argparse.Namespace) -> None:
    from boundary.data.atomic import write_csv
    from boundary.data.spreadsheet import spreadsheet_cell
    from boundary.estimation.chains import estimate_chains
    from boundary.sheets.chains import QUESTIONS, read_key
    from boundary.sheets.sheet import read_sheet

    key, about = read_key(arguments.key or arguments.sheet.with_name(NAMES["key"]))
    judged = read_sheet(arguments.sheet, list(key["id"].dropna()), QUESTIONS).set_index("id")
    rows = key.join(judged, on="id")
    estimates = estimate_chains(rows, arguments.level)
    named = estimates.problems["problem_id"].map(spreadsheet_cell)
    tables = estimates._asdict() | {"problems": estimates.problems.assign(problem_id=named)}
    for name, table in tables.items():
        write_csv(arguments.output / f"{name}.csv", table)
    print(summarise(estimates, rows, about, arguments.level))
    print(f"Problem by problem: {arguments.output / 'problems.csv'}.")


def summarise(
    estimates: ChainEstimates, rows: pd.DataFrame, about: dict[str, Any], level: float
) -> str:
    """The results for reading. ``rows`` are the key's with what was judged, ``about`` is the key's."""
    from boundary.estimation.chains import STATES

    problems, curve = estimates
    cell = about["samples"]
    states = ", ".join(f"{problems[state].sum():,} {state}" for state in STATES)
    solved = problems["has_valid_chain"].value_counts().reindex(["yes", "no", "open"], fill_value=0)
    unchecked = rows.loc[rows["id"].isna(), "correct"]
    lines = [
        f"{cell.get('model')} on {cell.get('benchmark')}, n = {about['n']}: {len(problems)} of "
        f"{len(problems) + len(unchecked)} problems{_left_out(about)} have {_within(about)}",
        f"{problems['correct'].sum():,} correct responses to these: {states}",
        "",
        f"  {solved['yes']} of {len(problems)} have a valid chain",
        f"  {solved['no']} have none",
        f"  {solved['open']} are open: none is valid yet, and not all are judged invalid",
        "",
        f"not checked: {unchecked.gt(0).sum()} problems that are answered right more often, which keep "
        f"their counts, and {unchecked.eq(0).sum()} that never are",
        f"not counted, as they judge nothing: {_tally(about['unjudged'])}",
        "",
        "corrected: invalid chains count as wrong; unclear and open ones as wrong (least) or right (most)",
        f"{100 * level:g} % interval over problems, from the low end of least to the high end of most",
        "",
        "       k   pass@k   corrected: least    most",
    ]
    line = (
        "  {k:6}   {pass_at_k:.4f}   {corrected_least:16.4f}  {corrected_most:.4f}  "
        "[{low:.4f}, {high:.4f}]"
    )
    lines += [line.format_map(row) for row in curve.to_dict("records")]
    if (largest := int(curve["k"].max())) < about["n"]:
        lines.append(f"  to k = {largest}: the least that was judged of a problem")
    return "\n".join(lines)


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _percent(share: float) -> str:
    return f"{100 * share:g}%"
