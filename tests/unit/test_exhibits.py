import importlib
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.estimation import accuracy_histogram, pass_at_k
from boundary.estimation.agreement import describe_agreement
from boundary.exhibits.gather import gather_cells
from boundary.exhibits.style import series_names
from boundary.exhibits.tables import lay_out, to_html

ROLES = ["base", "rlvr", "instruct", "distilled", "rlvr"]
ESTIMATORS = {"pass_at_k": pass_at_k.estimate, "accuracy_histogram": accuracy_histogram.estimate}


def cell_files(folder, kind, models, benchmarks, families=1, n=64):
    """Statistics of made-up counts: what a study's cells would leave."""
    rng = np.random.default_rng(0)
    paths, cells = [], []
    for family, benchmark, model in itertools.product(
        range(families), range(benchmarks), range(models)
    ):
        counts = pd.DataFrame({"problem_id": [str(i) for i in range(30)], "n": n})
        counts["correct"] = rng.binomial(n, rng.beta(0.4, 1 + model, size=30))
        path = folder / f"{kind}-{family}-{benchmark}-{model}.csv"
        ESTIMATORS[kind](counts, n, resamples=200, level=0.95, seed=0).to_csv(path, index=False)
        paths.append(path)
        cells.append(
            {
                "model": f"m{family}-{model}", "benchmark": f"b{benchmark}", "sampling": "s.seed0", "n": n,
                "verifier": "boundary",
                "label": f"model {model}", "family": f"family {family}", "role": ROLES[model],
                "benchmark_label": f"benchmark {benchmark}",
            }
        )  # fmt: skip
    return paths, cells


@pytest.mark.parametrize("kind", ["pass_at_k", "accuracy_histogram"])
@pytest.mark.parametrize(("models", "benchmarks", "families"), [(1, 1, 1), (2, 4, 3), (5, 12, 1)])
def test_figures_are_drawn_with_their_data(tmp_path, kind, models, benchmarks, families):
    paths, cells = cell_files(tmp_path, kind, models, benchmarks, families)
    outputs = [tmp_path / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    arguments = ["figures", kind, "--cells", json.dumps(cells), "--statistics", *map(str, paths)]
    assert main([*arguments, "--output", *map(str, outputs)]) == 0
    assert outputs[0].read_bytes().startswith(b"%PDF")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")
    data = pd.read_csv(outputs[2], dtype={"bin": str})
    pd.testing.assert_frame_equal(data, gather_cells(paths, cells))
    first = outputs[0].read_bytes()
    assert main([*arguments, "--output", *map(str, outputs)]) == 0
    assert outputs[0].read_bytes() == first  # the same data, the same file


@pytest.mark.parametrize("kind", ["pass_at_k", "accuracy_histogram"])
def test_the_panels_show_the_numbers(tmp_path, kind):
    table = gather_cells(*cell_files(tmp_path, kind, models=2, benchmarks=3))
    figure = importlib.import_module(f"boundary.exhibits.{kind}").draw(table)
    assert [axes.get_title() for axes in figure.axes] == [
        "benchmark 0",
        "benchmark 1",
        "benchmark 2",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["model 0", "model 1"]
    for number, axes in enumerate(figure.axes):
        rows = table[table["benchmark"] == f"b{number}"]
        if kind == "pass_at_k":
            drawn = sorted(v for line in axes.lines for v in line.get_ydata())
            assert drawn == pytest.approx(sorted(rows["pass_at_k"]))
        else:
            drawn = sorted(bar.get_height() for bar in axes.patches)
            assert drawn == pytest.approx(sorted(rows["share"]))


def series(*rows, **columns):
    names = ["model", "label", "family", "sampling", "n"]
    table = pd.DataFrame(rows, columns=names).assign(benchmark="b", verifier="boundary")
    return series_names(table.assign(**columns)).tolist()


def test_every_series_has_a_name_of_its_own():
    one = ("a", "base", "f", "s", 8)
    assert series(one, ("b", "base", "g", "s", 8)) == ["base", "base"]  # never in one panel
    shared = [("c", "RL", "f", "s", 8), ("d", "RL", "f", "s", 8), ("e", "RL", "g", "s", 8)]
    assert series(one, *shared) == ["base", "c", "d", "e"]
    assert series(one, ("a", "base", "f", "hot", 8)) == ["base, s", "base, hot"]
    assert series(one, ("a", "base", "f", "s", 16)) == ["base, n = 8", "base, n = 16"]
    opinions = ["boundary", "published"]
    assert series(one, one, verifier=opinions) == ["base, boundary", "base, published"]
    assert series(one, ("b", "RL", "f", "s", 8), verifier="published") == ["base", "RL"]


def test_one_model_under_two_samplings_is_two_curves(tmp_path):
    paths, cells = cell_files(tmp_path, "pass_at_k", models=2, benchmarks=1)
    cells[1] |= {key: cells[0][key] for key in ("model", "label", "role")} | {
        "sampling": "hot.seed0"
    }
    figure = importlib.import_module("boundary.exhibits.pass_at_k").draw(gather_cells(paths, cells))
    (axes,) = figure.axes
    assert [len(line.get_xdata()) for line in axes.lines] == [7, 7]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["model 0, s.seed0", "model 0, hot.seed0"]


def test_equal_labels_share_neither_panel_nor_row(tmp_path):
    paths, cells = cell_files(tmp_path, "pass_at_k", models=1, benchmarks=2, families=2)
    for cell in cells:
        cell |= {"label": "base", "benchmark_label": "sums"}
    table = gather_cells(paths, cells)
    figure = importlib.import_module("boundary.exhibits.pass_at_k").draw(table)
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1, 1]
    assert len(lay_out(table, "pass_at_k")) == 4


def test_a_family_without_a_benchmark_has_no_empty_panel(tmp_path):
    paths, cells = cell_files(tmp_path, "pass_at_k", models=1, benchmarks=2, families=2)
    table = gather_cells(paths[:3], cells[:3])
    figure = importlib.import_module("boundary.exhibits.pass_at_k").draw(table)
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]


def test_tables_have_a_row_a_cell(tmp_path):
    table = gather_cells(*cell_files(tmp_path, "pass_at_k", models=2, benchmarks=2))
    wide = lay_out(table, "pass_at_k")
    assert list(wide.columns[:6]) == ["benchmark", "model", "sampling", "n", "pass@1", "pass@2"]
    assert list(zip(wide["benchmark"], wide["model"], strict=True)) == [
        (f"b{b}", f"m0-{m}") for b in (0, 1) for m in (0, 1)
    ]
    first = table.iloc[0]
    assert (
        wide["pass@1"].iloc[0]
        == f"{first.pass_at_k:.3f} [{first.low:.3f},\N{NO-BREAK SPACE}{first.high:.3f}]"
    )
    page = to_html(wide, "<title>", "a & b")
    assert "&lt;title&gt;" in page and "a &amp; b" in page and "m0-1" in page


def test_verifiers_have_rows_of_their_own_where_there_are_others(tmp_path):
    paths, cells = cell_files(tmp_path, "pass_at_k", models=1, benchmarks=1)
    cells = [cells[0] | {"verifier": verifier} for verifier in ("boundary", "published")]
    wide = lay_out(gather_cells(paths * 2, cells), "pass_at_k")
    assert list(wide.columns[:6]) == [
        "benchmark",
        "model",
        "sampling",
        "n",
        "verifier",
        "pass@1",
    ]
    assert list(wide["verifier"]) == ["boundary", "published"]
    assert "verifier" not in lay_out(gather_cells(paths, cells[:1]), "pass_at_k")
    assert "verifier" in lay_out(gather_cells(paths, cells[1:]), "pass_at_k")


def test_an_agreement_is_laid_out_for_people(tmp_path):
    paths, cells = [], []
    for verifier, pairs in (
        ("math_verify", {(True, True): 1990, (True, False): 10}),
        ("published", {(False, False): 20}),
    ):
        path = tmp_path / f"{verifier}.csv"
        describe_agreement(pairs, unjudged=3).to_csv(path, index=False)
        paths.append(path)
        _, (cell,) = cell_files(tmp_path, "pass_at_k", models=1, benchmarks=1)
        cells.append(cell | {"verifier": verifier})
    wide = lay_out(gather_cells(paths, cells), "agreement").set_index("verifier")
    first = wide.loc["math_verify"]
    assert (first["samples"], first["agreement"], first["kappa"]) == ("2,003", "99.50%", "0.000")
    assert (first["only_reference"], first["unjudged"]) == ("10", "3")
    assert wide.loc["published", "kappa"] == "undefined"


def test_as_many_cells_as_files(tmp_path):
    paths, cells = cell_files(tmp_path, "pass_at_k", models=2, benchmarks=1)
    with pytest.raises(ValueError, match="zip"):
        gather_cells(paths, cells[:1])
