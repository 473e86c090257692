"""The command line: one subcommand for each stage of the workflow."""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Sequence

import boundary
from boundary.errors import BoundaryError

STAGES = (
    "benchmarks",
    "models",
    "train",
    "sample",
    "import",
    "verify",
    "score",
    "grade",
    "audit",
    "chains",
    "analyse",
    "figures",
    "compare",
    "plan",
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``boundary STAGE ...``."""
    parser = argparse.ArgumentParser(
        prog="boundary",
        description="Stages of the workflow, by hand. Snakemake runs these same commands; "
        "`snakemake -n -p` prints them.",
    )
    parser.add_argument("--version", action="version", version=boundary.__version__)
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name in STAGES:
        module = f"{name}_" if keyword.iskeyword(name) else name
        stage = importlib.import_module(f"boundary.stages.{module}")
        subparser = stages.add_parser(
            name,
            help=stage.HELP,
            description=stage.__doc__,
            epilog=getattr(stage, "EXAMPLES", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        stage.add_arguments(subparser)
        subparser.set_defaults(run=stage.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage. A mistake in the input is one message and exit code 1, without a traceback."""
    parsed = build_parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except BoundaryError as error:
        print(f"boundary {parsed.stage}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what is printed has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def entry_point() -> None:
    """The console command ``boundary``."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if code:
        # At once: threads may be waiting for an endpoint's answers, which nobody takes any more.
        os._exit(code)
