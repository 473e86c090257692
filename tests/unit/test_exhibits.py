import importlib
import itertools
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.estimation import accuracy_histogram, majority_at_k, pass_at_k
from boundary.estimation.agreement import describe_agreement
from boundary.estimation.comparison import compare
from boundary.estimation.coverage import pair_counts
from boundary.exhibits import wording
from boundary.exhibits.folded_pass_at_k import efficiency_gaps, find_fold
from boundary.exhibits.gather import gather_cells, gather_tables
from boundary.exhibits.kinds import FIGURES, STATISTICS, TABLES
from boundary.exhibits.page import Folded
from boundary.exhibits.style import name_series, series_names
from boundary.exhibits.tables import lay_out, to_html

ROLES = ["base", "rlvr", "instruct", "distilled", "rlvr"]
# Those of scores and of models by themselves have tests of their own.
DRAWN = [name for name, kind in FIGURES.items() if not (kind.scores or kind.of_models)]
SETTINGS = {"resamples": 100, "level": 0.95, "seed": 0}
GAP = "\N{NO-BREAK SPACE}"


def made_up_counts(benchmark, model, n, problems=30):
    rng = np.random.default_rng([benchmark, model])
    counts = pd.DataFrame({"problem_id": [f"{i:03}" for i in range(problems)], "n": n})
    return counts.assign(correct=rng.binomial(n, rng.beta(0.4, 1 + model, size=problems)))


def as_verdicts(counts):
    """Verdicts that make these counts, whose wrong answers are two; what is not in n was not judged."""
    samples = int(counts["n"].max())
    return pd.DataFrame(
        [
            (row.problem_id, index, str(index % 2), verdict)
            for row in counts.itertuples()
            for index, verdict in enumerate(
                ["correct"] * row.correct
                + ["wrong"] * (row.n - row.correct)
                + ["timeout"] * (samples - row.n)
            )
        ],
        columns=["problem_id", "sample_index", "answer", "verdict"],
    )


def estimate(statistic, counts, base_counts):
    n = int(counts["n"].max())
    if STATISTICS[statistic].paired:
        pairs = pair_counts(base_counts, counts, common_only=False)
        return getattr(compare(pairs, **SETTINGS), statistic)
    if statistic == "majority_at_k":
        verdicts = as_verdicts(counts)
        return majority_at_k.estimate(verdicts, list(counts["problem_id"]), n, level=0.95)
    estimators = {"pass_at_k": pass_at_k, "accuracy_histogram": accuracy_histogram}
    return estimators[statistic].estimate(counts, n, **SETTINGS)


def made_up(statistic, models, benchmarks, families=1, n=16, change=lambda model, counts: counts):
    """Tables of the statistic, from counts made up, and their cells: what a study would leave."""
    tables, cells = [], []
    for family, benchmark in itertools.product(range(families), range(benchmarks)):
        counts = [change(m, made_up_counts(benchmark, m, n)) for m in range(models)]
        for model in range(1 if STATISTICS[statistic].paired else 0, models):
            cell = {
                "model": f"m{family}-{model}", "benchmark": f"b{benchmark}", "sampling": "s.seed0",
                "sampling_label": "s.seed0", "n": n,
                "verifier": "boundary",
                "label": f"model {model}", "family": f"family {family}", "role": ROLES[model],
                "benchmark_label": f"benchmark {benchmark}",
            }  # fmt: skip
            if STATISTICS[statistic].paired:
                cell |= {"base": f"m{family}-0", "base_label": "model 0"}
                cell |= {"base_sampling": "s.seed0", "base_sampling_label": "s.seed0", "base_n": n}
            tables.append(estimate(statistic, counts[model], counts[0]))
            cells.append(cell)
    return tables, cells


def gathered(*arguments, **keywords):
    return gather_tables(*made_up(*arguments, **keywords))


def draw(kind, table):
    return importlib.import_module(f"boundary.exhibits.{kind}").draw(table)


def write(folder, tables, cells):
    paths = [folder / f"{number}.csv" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        table.to_csv(path, index=False)
    return paths, cells


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_the_kinds_are_known_without_pandas():
    done = "import sys, boundary.exhibits.kinds; assert not {'pandas', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", done], check=True)


@pytest.mark.parametrize("kind", DRAWN)
def test_figures_are_written_with_their_data(tmp_path, kind):
    paths, cells = write(tmp_path, *made_up(FIGURES[kind].statistic, 2, 2, families=2))
    outputs = [tmp_path / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    arguments = ["figures", kind, "--cells", json.dumps(cells), "--statistics", *map(str, paths)]
    assert main([*arguments, "--output", *map(str, outputs)]) == 0
    assert outputs[0].read_bytes().startswith(b"%PDF")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")
    data = pd.read_csv(outputs[2], dtype={"bin": str, "problem_id": str})
    pd.testing.assert_frame_equal(data, gather_cells(paths, cells))
    first = outputs[0].read_bytes()
    assert main([*arguments, "--output", str(outputs[0])]) == 0
    assert outputs[0].read_bytes() == first  # the same data, the same file


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize(("models", "benchmarks"), [(1, 1), (5, 1), (5, 12)])
def test_nothing_is_cut_off_or_lies_on_another(kind, models, benchmarks):
    models = max(models, 2) if FIGURES[kind].made_of.paired else models
    figure = draw(kind, gathered(FIGURES[kind].statistic, models, benchmarks, n=8))
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 14 * figure.dpi  # 12 panels stand in several rows
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0 and legend.x1 <= width and legend.y1 <= height
    boxes = [axes.get_window_extent() for axes in figure.axes if axes.get_visible()]
    assert len(boxes) == benchmarks * (2 if kind == "folded_pass_at_k" else 1)
    assert not any(box.overlaps(other) for box, other in itertools.combinations(boxes, 2))
    assert not any(legend.overlaps(box) for box in boxes)
    labels = [label.get_window_extent() for label in figure.axes[-1].get_xticklabels()]
    assert kind == "accuracy_histogram" or not any(  # whose labels are turned
        box.overlaps(other) for box, other in itertools.pairwise(labels)
    )


@pytest.mark.parametrize("kind", ["pass_at_k", "majority_at_k", "difference"])
def test_curves_show_the_numbers(kind):
    table = gathered(kind, 3, 2, n=24)
    figure = draw(kind, table)
    assert [axes.get_title() for axes in figure.axes] == ["benchmark 0", "benchmark 1"]
    for axes, (_, panel) in zip(figure.axes, table.groupby("benchmark"), strict=True):
        curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
        for line, band, (_, rows) in zip(
            curves, axes.collections, panel.groupby("model"), strict=True
        ):
            assert list(line.get_xdata()) == list(rows["k"])
            assert line.get_ydata() == pytest.approx(list(rows[kind]))
            marked = np.asarray(line.get_xdata())[line.get_markevery()]
            assert list(marked) == [1, 2, 4, 8, 16, 24]
            drawn = band.get_paths()[0].vertices
            ends = {(k, y) for _, k, *y2 in rows[["k", "low", "high"]].itertuples() for y in y2}
            assert {tuple(vertex) for vertex in drawn} == ends
        assert axes.get_xscale() == "log"
        assert [int(tick) for tick in axes.get_xticks()] == [1, 2, 4, 8, 24]


def test_the_difference_says_who_is_ahead_and_where_the_curves_cross():
    table = gathered("difference", 4, 1)
    # One crosses at 5, one never does, one has the base never behind.
    table["difference"] = np.where(table["k"] < 5, 0.1, -0.1)
    table.loc[table["label"] == "model 2", "difference"] = 0.2
    table.loc[table["label"] == "model 3", "difference"] = -0.2
    (axes,) = draw("difference", table).axes
    marks = [tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]
    assert marks == [(5, 0), (1, 0)]
    zero = next(line for line in axes.lines if list(line.get_ydata()) == [0, 0])
    assert list(zero.get_xdata()) == [0, 1]  # of the panel's width
    assert texts(axes.legend_) == ["5", "none up to 16", "base never behind"]
    below, above = axes.get_ylabel().split("     ")
    assert "base ahead" in below and "post-training ahead" in above
    assert axes.legend_.get_title().get_text() == "crossing k*"


def folded_table():
    table = gathered("pass_at_k", 3, 1, n=512)
    known = {0: (0.1, 0.8), 1: (0.3, 0.7), 2: (0.32, 0.72)}
    for model, (first, last) in known.items():
        rows = table["label"] == f"model {model}"
        for k, value in ((1, first), (256, last)):
            at = rows & (table["k"] == k)
            table.loc[at, ["pass_at_k", "low", "high"]] = value, value - 0.05, value + 0.05
    return table


def test_the_folded_figure_shows_both_ends_and_the_gap_to_the_base():
    table = folded_table()
    upper, lower = draw("folded_pass_at_k", table).axes
    assert upper.get_title() == "benchmark 0"
    # The ends of the intervals, and a margin of 8 % of what they span.
    assert lower.get_ylim() == pytest.approx((0.05 - 0.0256, 0.37 + 0.0256))
    assert upper.get_ylim() == pytest.approx((0.65 - 0.016, 0.85 + 0.016))
    for axes in (upper, lower):
        curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
        assert [len(line.get_xdata()) for line in curves] == [256] * 3
        assert [line.get_ydata()[-1] for line in curves] == pytest.approx([0.8, 0.7, 0.72])
        intervals = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 2]
        assert np.ravel(intervals) == pytest.approx(
            [0.05, 0.15, 0.75, 0.85, 0.25, 0.35, 0.65, 0.75, 0.27, 0.37, 0.67, 0.77]
        )
        (cut,) = (line for line in axes.lines if len(line.get_xdata()) == 1)
        assert cut.get_transform() == axes.transAxes
    assert texts(lower.legend_) == ["50.0", "48.0"]  # 80 less 30, and less 32
    assert lower.get_xlabel() == ""  # the curves were to be shown up to 256


def test_a_fold_leaves_nothing_out_where_its_ends_overlap():
    table, _ = name_series(gathered("pass_at_k", 2, 1, n=16))
    for k, low, high in ((1, 0.2, 0.6), (16, 0.4, 0.9)):
        table.loc[table["k"] == k, ["low", "high"]] = low, high
    below, above = find_fold(table)
    assert below == pytest.approx((0.2 - 0.032, 0.5))
    assert above == pytest.approx((0.5, 0.9 + 0.04))


def test_a_gap_is_to_one_base_in_as_many_samples_as_both_have():
    def fewer(model, counts):
        return counts.assign(n=12, correct=counts["correct"].clip(upper=12)) if model else counts

    table, _ = name_series(gathered("pass_at_k", 2, 1, change=fewer))
    base, model = (rows.set_index("k")["pass_at_k"] for _, rows in table.groupby("model"))
    assert efficiency_gaps(table) == pytest.approx({"model 1": 100 * (base[12] - model[1])})
    two = table.assign(model=table["model"] + "b", name=table["name"] + "b")
    assert efficiency_gaps(pd.concat([table, two])) == {}


def test_coverage_is_drawn_as_shares_with_numbers():
    table = gathered("coverage", 3, 1)
    found = ["both"] * 20 + ["base_only"] * 6 + ["model_only"] + ["neither"] * 3
    table["category"] = found + ["both"] * 30
    figure = draw("coverage", table)
    (axes,) = figure.axes
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert np.ravel(bars[:4]) == pytest.approx(
        [0, 20 / 30, 20 / 30, 6 / 30, 26 / 30, 1 / 30, 27 / 30, 3 / 30]
    )
    assert [width for _, width in bars[4:]] == [1, 0, 0, 0]
    assert [text.get_text() for text in axes.texts] == ["20", "6", "1", "3", "30"]
    inside = [text.get_position()[1] in (0, 1) for text in axes.texts]
    assert inside == [True, True, False, True, True]  # a number needs room
    assert [label.get_text() for label in axes.get_yticklabels()] == ["model 1", "model 2"]
    assert texts(figure.legends[0])[1:] == [
        "by the base only", "by the model only", "not seen solved by either in 16 samples",
    ]  # fmt: skip
    table.loc[0, "base_n"] = 8
    assert texts(draw("coverage", table).legends[0])[-1].endswith("in the samples drawn")
    faces = [np.dot(patch.get_facecolor()[:3], [0.3, 0.59, 0.11]) for patch in axes.patches[:4]]
    assert min(abs(one - other) for one, other in itertools.pairwise(faces)) > 0.15  # in grey


def test_the_histogram_shows_the_shares_and_their_intervals():
    table = gathered("accuracy_histogram", 2, 1)
    (axes,) = draw("accuracy_histogram", table).axes
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(list(table["share"]))
    whiskers = np.array([ends[:, 1] for lines in axes.collections for ends in lines.get_segments()])
    assert whiskers == pytest.approx(table[["low", "high"]].to_numpy())
    assert whiskers[list(table["share"] == 0), 1].min() > 0


def series(*rows, **columns):
    names = ["model", "label", "family", "sampling", "n"]
    table = pd.DataFrame(rows, columns=names).assign(benchmark="b", verifier="boundary")
    table = table.assign(sampling_label=table["sampling"]).assign(**columns)
    if "base" in table:
        table = table.assign(base_sampling_label=table["base_sampling"])
    return series_names(table).tolist()


def test_every_series_has_a_name_of_its_own():
    one = ("a", "base", "f", "s", 8)
    assert series(one, ("b", "base", "g", "s", 8)) == ["base", "base"]  # never in one panel
    shared = [("c", "RL", "f", "s", 8), ("d", "RL", "f", "s", 8), ("e", "RL", "g", "s", 8)]
    assert series(one, *shared) == ["base", "c", "d", "e"]
    assert series(one, ("a", "base", "f", "hot", 8)) == ["base, s", "base, hot"]
    called = {"sampling_label": ["T = 0.6", "T = 1.2"]}
    assert series(one, ("a", "base", "f", "hot", 8), **called) == ["base, T = 0.6", "base, T = 1.2"]
    called = {"sampling_label": "T = 1"}
    assert series(one, ("a", "base", "f", "t", 8), **called) == ["base, s", "base, t"]
    assert series(one, ("a", "base", "f", "s", 16)) == ["base, n = 8", "base, n = 16"]
    opinions = ["boundary", "published/guessable"]
    assert series(one, one, verifier=opinions) == [
        "base, boundary", "base, published, filter guessable",
    ]  # fmt: skip
    assert series(one, ("b", "RL", "f", "s", 8), verifier="published") == ["base", "RL"]
    pair = {"base": "x", "base_sampling": "s", "base_n": 8}
    assert series(one, ("b", "RL", "f", "s", 8), **pair) == ["base", "RL"]
    assert series(one, one, **pair | {"base": ["x", "y"]}) == ["base, against x", "base, against y"]
    assert series(one, one, **pair | {"base_sampling": ["s", "t"]})[1] == "base, base at t"
    assert series(one, one, **pair | {"base_n": [8, 4]})[1] == "base, base's n = 4"


def test_a_model_looks_the_same_beside_its_base_and_without():
    (_, with_base), (_, without) = (
        name_series(gathered(statistic, 3, 1)) for statistic in ("pass_at_k", "difference")
    )
    assert list(with_base) == ["model 0", "model 1", "model 2"]
    assert without == {name: with_base[name] for name in ("model 1", "model 2")}
    assert len({style.colour for style in with_base.values()}) == 3
    assert len({style.marker for style in with_base.values()}) == 3


def test_one_model_under_two_samplings_is_two_curves():
    tables, cells = made_up("pass_at_k", 2, 1)
    cells[1] |= {key: cells[0][key] for key in ("model", "label", "role")}
    cells[1] |= {"sampling": "hot.seed0", "sampling_label": "T = 1.2"}
    figure = draw("pass_at_k", gather_tables(tables, cells))
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [16, 16]
    assert texts(figure.legends[0]) == ["model 0, s.seed0", "model 0, T = 1.2"]


def test_panels_stand_in_rows_of_families_and_none_is_empty():
    tables, cells = made_up("pass_at_k", 1, 2, families=2)
    for cell in cells:
        cell |= {"label": "base", "benchmark_label": "sums"}
    figure = draw("pass_at_k", gather_tables(tables, cells))
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1, 1]
    assert figure.axes[2].get_title() == "family 1 | sums"
    figure = draw("pass_at_k", gather_tables(tables[:3], cells[:3]))
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]


def test_families_without_a_benchmark_in_common_fill_one_row():
    tables, cells = made_up("pass_at_k", 1, 2, families=2)
    apart = [
        number
        for number in range(4)
        if cells[number]["family"][-1] == cells[number]["benchmark"][-1]
    ]
    figure = draw("pass_at_k", gather_tables([tables[n] for n in apart], [cells[n] for n in apart]))
    assert [axes.get_visible() for axes in figure.axes] == [True, True]
    first, second = (axes.get_position() for axes in figure.axes)
    assert first.y0 == second.y0 and first.x1 < second.x0


def test_a_panel_says_which_problems_were_left_out():
    tables, cells = made_up("pass_at_k", 1, 1)
    cells[0]["verifier"] = "boundary/guessable"
    table = gather_tables(tables, cells)
    (axes,) = draw("pass_at_k", table).axes
    assert axes.get_title() == "benchmark 0\nfilter guessable"
    (axes,) = draw("pass_at_k", pd.concat([table, table.assign(verifier="boundary")])).axes
    assert axes.get_title() == "benchmark 0"  # its series say so
    assert list(lay_out(table, "pass_at_k")["verifier"]) == ["boundary, filter guessable"]


def one_short(model, counts):
    if model == 1:
        counts.loc[7, ["n", "correct"]] = 13, 2
    return counts


@pytest.mark.parametrize("kind", ["pass_at_k", "folded_pass_at_k", "majority_at_k", "difference"])
def test_a_curve_that_ends_before_n_is_seen(kind):
    table = gathered(FIGURES[kind].statistic, 3, 1, change=one_short)
    note = draw(kind, table).axes[-1].get_xlabel()
    assert note == "model 1: judged samples end at 13 of 16"
    if kind in TABLES:
        wide = lay_out(table, kind)
        assert dict(zip(wide["model"], wide["k up to"], strict=True))["m0-1"] == "13"
        assert [name.split("@")[1][:2] for name in wide.columns[-2:]] == ["13", "16"]
        assert list(wide.iloc[:, -1].isna()) == [model == "m0-1" for model in wide["model"]]


def test_labels_are_shown_as_they_are():
    tables, cells = made_up("pass_at_k", 2, 1)
    cells[0]["label"], cells[1]["label"] = "_base$^2$", "a & <b>"
    figure = draw("pass_at_k", gather_tables(tables, cells))
    figure.draw_without_rendering()
    assert texts(figure.legends[0]) == ["_base$^2$", "a & <b>"]
    assert figure.legends[0].get_texts()[0].get_parse_math() is False
    rows = pd.DataFrame({"<i>": ["a & b", None], "x": [Folded("2 <", "<p>"), 1]})
    page = to_html(rows, "<title>", "c & d")
    for written in (
        "&lt;title&gt;",
        "c &amp; d",
        "<th>&lt;i&gt;</th>",
        "<td>a &amp; b</td>",
        "<td></td>",
    ):
        assert written in page
    assert "<details><summary>2 &lt;</summary>&lt;p&gt;</details>" in page


@pytest.mark.parametrize("kind", ["pass_at_k", "majority_at_k", "difference"])
def test_tables_of_curves_have_a_row_a_cell_and_powers_of_two(kind):
    table = gathered(kind, 3, 2, n=24)
    wide = lay_out(table, kind)
    names = [name for name in wide if "@" in name]
    written = {"pass_at_k": "pass@{}", "majority_at_k": "maj@{}"}
    text = written.get(kind, "pass@{}, model \N{MINUS SIGN} base")
    assert names == [text.format(k) for k in (1, 2, 4, 8, 16, 24)]
    base = ["base"] if kind == "difference" else []
    assert list(wide.columns[: -len(names)]) == ["benchmark", "model", "sampling", "n", *base]
    for place, (_, rows) in enumerate(table.groupby(["benchmark", "model"])):
        row = rows.set_index("k").loc[16]
        numbers = [
            f"{row[name]:.3f}".replace("-", "\N{MINUS SIGN}") for name in (kind, "low", "high")
        ]
        assert wide[names[-2]][place] == "{} [{},{}{}]".format(*numbers[:2], GAP, numbers[2])


def test_verifiers_and_bases_have_columns_where_they_differ():
    tables, cells = made_up("pass_at_k", 1, 1)
    cells = [cells[0] | {"verifier": verifier} for verifier in ("boundary", "published")]
    assert list(lay_out(gather_tables(tables * 2, cells), "pass_at_k")["verifier"]) == [
        "boundary", "published",
    ]  # fmt: skip
    assert "verifier" in lay_out(gather_tables(tables, cells[1:]), "pass_at_k")
    tables, (pair,) = made_up("difference", 2, 1)
    wide = lay_out(
        gather_tables(tables, [pair | {"base_sampling": "t", "base_n": 32}]), "difference"
    )
    assert list(wide.iloc[0, :7]) == ["b0", "m0-1", "s.seed0", 16, "m0-0", "t", 32]
    assert list(wide.columns[5:7]) == ["base's sampling", "base's n"]
    assert "k up to" not in wide  # a curve of a pair ends where the one with fewer samples does


def test_an_agreement_is_laid_out_for_people():
    _, (cell,) = made_up("pass_at_k", 1, 1)
    opinions = {
        "math_verify": {(True, True): 1990, (True, False): 10},
        "published": {(False, False): 20},
    }
    tables = [describe_agreement(pairs, unjudged=3) for pairs in opinions.values()]
    cells = [cell | {"verifier": verifier} for verifier in opinions]
    wide = lay_out(gather_tables(tables, cells), "agreement").set_index("verifier")
    first = wide.loc["math_verify"]
    assert (first["samples"], first["agreement"], first["kappa"]) == ("2,003", "99.50%", "0.000")
    assert (first["only_reference"], first["unjudged"]) == ("10", "3")
    assert wide.loc["published", "kappa"] == "undefined"


def test_coverage_lists_the_problems_by_name(tmp_path):
    tables, cells = made_up("coverage", 2, 1)
    tables[0] = (
        tables[0]
        .iloc[:4]
        .assign(
            problem_id=["007", "NA", "1e3", "b"],
            category=["both", "base_only", "model_only", "both"],
        )
    )
    table = gather_cells(*write(tmp_path, tables, cells))
    rows = lay_out(table, "coverage").set_index("set")
    assert rows["problems"].to_dict() == {
        "solved by the base": "007, NA, b",
        "solved by the model": "007, 1e3, b",
        "solved by both": "007, b",
        "by the base only": "NA",
        "by the model only": "1e3",
        "not seen solved by either": "",
    }
    assert list(rows["number"]) == ["3 of 4", "3 of 4", "2 of 4", "1 of 4", "1 of 4", "0 of 4"]
    names = [str(i) for i in range(1319)]
    many = pd.DataFrame({"problem_id": names, "category": ["both"] * 60 + ["neither"] * 1259})
    problems = lay_out(gather_tables([many], cells), "coverage")["problems"]
    assert problems[0] == ", ".join(names[:60])
    assert problems[5] == Folded("all 1,259", ", ".join(names[60:]))


@pytest.mark.parametrize(
    ("measured", "shares", "words"),
    [
        ((16, 9, np.inf), (0.12, 0), "16 [9, beyond 256]; none in 12 % of resamples"),
        ((16, 9, 40), (0, 0), "16 [9, 40]"),
        ((np.inf, np.inf, np.inf), (1, 0), "none up to 256; none in 100 % of resamples"),
        (
            (np.inf, 9, np.inf),
            (0.999, 0),
            "none up to 256 [9, beyond 256]; none in more than 99 % of resamples",
        ),
        (
            (1, 1, 8),
            (0.001, 0.7),
            "base never behind [1, 8]; none in less than 1 %, base never behind in 70 % "
            "of resamples",
        ),
    ],
)  # fmt: skip
def test_a_crossing_in_words(measured, shares, words):
    written = wording.crossing_with_interval(measured, 256, *shares)
    assert written.replace(GAP, " ") == words


def test_a_pair_is_compared_in_a_row():
    tables, cells = made_up("measures", 2, 1)
    measures = tables[0].set_index("measure")
    measures.loc["difference_at_1"] = 0.2, -0.0001, 0.3
    measures.loc["difference_at_largest_k"] = -0.0625, -0.1, 0.0001
    measures.loc["crossing"] = 3, 2, np.inf
    measures.loc["crossing_censored", "value"] = 0
    measures.loc["crossing_from_start", "value"] = 0.25
    measures.loc["subset_ratio"] = np.nan
    measures.loc["mcnemar_p", "value"] = 0.0004
    counted = {"both": 5, "base_only": 4, "model_only": 3, "neither": 1018, "problems": 1030}
    for name, number in counted.items():
        measures.loc[name, "value"] = number
    table = gather_tables([measures.reset_index()], cells)
    assert [str(cell).replace(GAP, " ") for cell in lay_out(table, "comparison").iloc[0]] == [
        "b0", "m0-1", "s.seed0", "16", "m0-0",
        "0.200 [0.000, 0.300]", "−0.062 [−0.100, 0.000] at k = 16",
        "3 [2, beyond 16]; base never behind in 25 % of resamples",
        "1,030", "5", "4", "3", "1,018", "undefined", "< 0.001",
    ]  # fmt: skip


def test_the_gap_is_laid_out_in_points_below_its_base():
    table = gathered("measures", 3, 2)
    rows = lay_out(table, "efficiency_gap")
    assert list(rows["model"]) == ["m0-0", "m0-1", "m0-2"] * 2
    names = ["pass@1, %", "pass@16, %", "Delta_SE, points"]
    assert list(rows.columns) == ["benchmark", "model", "sampling", "n", *names]
    measures = table[table["model"] == "m0-2"].iloc[: len(table) // 4].set_index("measure")

    def points(name, scale=100):
        value, low, high = scale * measures.loc[name, ["value", "low", "high"]].astype(float)
        return f"{value:.1f} [{low:.1f},{GAP}{high:.1f}]".replace("-", "\N{MINUS SIGN}")

    assert list(rows.loc[0, names[:2]]) == [points("base_pass_at_1"), points("base_pass_at_k")]
    assert rows.loc[0, names[2]] == "\N{EN DASH}"
    assert list(rows.loc[2, names]) == [
        points("model_pass_at_1"), points("model_pass_at_k"), points("delta_se", 1),
    ]  # fmt: skip


def test_the_gap_is_that_of_the_bases_samples():
    """A model with fewer has no pass@K of its own, and its gap all the same."""
    rows = lay_out(gathered("measures", 3, 1, change=one_short), "efficiency_gap")
    rows = rows.set_index("model")
    assert rows.loc["m0-1", "pass@16, %"] == "undefined"
    assert all("[" in rows.loc[name, "pass@16, %"] for name in ("m0-0", "m0-2"))
    assert "K" not in rows


def test_gaps_at_other_k_say_at_which():
    table = gathered("measures", 3, 1)
    short = (table["model"] == "m0-1") & (table["measure"] == "delta_se_k")
    table.loc[short, "value"] = 13
    rows = lay_out(table, "efficiency_gap")
    assert set(rows.loc[rows["model"] == "m0-1", "K"]) == {13} and "pass@K, %" in rows


def test_as_many_cells_as_files(tmp_path):
    paths, cells = write(tmp_path, *made_up("pass_at_k", 2, 1))
    with pytest.raises(ValueError, match="zip"):
        gather_cells(paths, cells[:1])


def test_a_pair_keeps_the_columns_of_its_cell():
    table = gathered("coverage", 2, 1, change=one_short)
    assert set(table["n"]) == set(table["base_n"]) == {16}
    assert sorted(table["model_judged"].unique()) == [13, 16]
    assert list(table["base_judged"].unique()) == [16]
    table = gathered("difference", 2, 1)
    assert set(table["base"]) == {"m0-0"} and set(table["model"]) == {"m0-1"}
    assert (table["model_pass_at_k"] - table["base_pass_at_k"]).tolist() == pytest.approx(
        table["difference"].tolist()
    )
