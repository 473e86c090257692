import importlib
import itertools
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.exhibits.gather import gather_tables
from boundary.exhibits.perplexity import LONGEST_LINE
from boundary.exhibits.tables import lay_out
from matplotlib.colors import to_rgba

ROLES = ["base", "rlvr", "rlvr", "instruct", "distilled", "rlvr"]
NAMES = ["base", "GRPO", "PPO", "Instruct", "Distill", "RLOO"]
REFERENCE = -1
GAP = "\N{NO-BREAK SPACE}"


def cell(model, benchmark=0, family=0):
    reference = model == REFERENCE
    return {
        "model": f"m{family}-{model}", "benchmark": f"b{benchmark}", "sampling": "s.seed0",
        "sampling_label": "T = 0.6", "n": 16, "verifier": "boundary",
        "label": "o1" if reference else NAMES[model], "family": f"family {family}",
        "role": "reference" if reference else ROLES[model],
        "benchmark_label": f"benchmark {benchmark}",
    }  # fmt: skip


def under(scorer, family=0):
    names = {"scorer": f"m{family}-{scorer}", "scorer_label": NAMES[scorer]}
    return names | {"scorer_role": ROLES[scorer]}


def scores(seed, problems, n, shift=1.0):
    """Made-up scores of n responses to each problem, about twice as surprising to a third of them."""
    rng = np.random.default_rng(seed)
    excess = shift * rng.gamma(4, 0.1 * (1 + np.arange(problems) % 3)[:, None], (problems, n))
    names = np.repeat([f"{problem:03}" for problem in range(problems)], n)
    table = pd.DataFrame({"problem_id": names, "sample_index": np.tile(np.arange(n), problems)})
    table["perplexity"] = np.exp(excess.ravel())
    told = {
        "entropy": 0.3,
        "n_tokens": 90,
        "tokens": "stored",
        "cut_off": False,
        "verdict": "wrong",
    }
    return table.assign(**told, detail=None)


def responses(models=1, problems=3, n=16, benchmarks=1, families=1, change=lambda table: table):
    """The responses of a base, of models and of a reference, under the base and the models."""
    tables, cells = [], []
    for family, benchmark in itertools.product(range(families), range(benchmarks)):
        numbers = range(models + 1)
        pairs = [(0, 0), *((model, scorer) for model in numbers[1:] for scorer in (model, 0))]
        for whose, scorer in [*((REFERENCE, scorer) for scorer in numbers), *pairs]:
            samples = 1 if whose == REFERENCE else n
            seed = [whose + 1, scorer, benchmark, family]
            tables.append(
                scores(seed, problems, samples, 3 if whose == REFERENCE else 1 / (1 + whose))
            )
            cells.append(cell(whose, benchmark, family) | under(scorer, family))
    table = change(gather_tables(tables, cells))
    return table.assign(family=table["family"].mask(table["role"] == "reference", "people"))


def draw(kind, table):
    figure = importlib.import_module(f"boundary.exhibits.{kind}").draw(table)
    figure.draw_without_rendering()
    return figure


def texts(artists):
    return [artist.get_text() for artist in artists]


def values(table, label, scorer="base"):
    return table[(table["label"] == label) & (table["scorer_label"] == scorer)]


PAIRS = [("base", "base"), ("GRPO", "base"), ("GRPO", "GRPO"), ("o1", "base"), ("o1", "GRPO")]


def test_boxes_stand_in_the_papers_order_and_show_the_numbers():
    table = responses(problems=30)
    pooled, _ = draw("perplexity", table).axes
    assert pooled.get_title() == "benchmark 0" and pooled.get_xscale() == "log"
    assert texts(pooled.get_yticklabels()) == [f"{whose} under {scorer}" for whose, scorer in PAIRS]
    assert pooled.yaxis_inverted()
    # Of each box two whiskers, two caps and the median; below it at most 50 dots.
    boxes = [line for line in pooled.lines if line.get_marker() != "."]
    dots = [line for line in pooled.lines if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in dots] == [30, 30]
    assert [line.get_ydata()[0] > place for line, place in zip(dots, (3, 4), strict=True)]
    for place, (pair, patch) in enumerate(zip(PAIRS, pooled.patches, strict=True)):
        perplexities = values(table, *pair)["perplexity"]
        corners = patch.get_path().vertices
        ends = perplexities.quantile([0.25, 0.75])
        assert [corners[:, 0].min(), corners[:, 0].max()] == pytest.approx(list(ends))
        assert corners[:, 1].mean() == pytest.approx(place, abs=0.2)
        assert patch.get_hatch() == ("" if pair[1] == "base" else "///")
        first, second, *_, median = boxes[5 * place : 5 * place + 5]
        assert list(median.get_xdata()) == pytest.approx([perplexities.median()] * 2)
        low, high = perplexities.quantile([0.05, 0.95])
        assert min(first.get_xdata()) == min(perplexities[perplexities >= low])
        assert max(second.get_xdata()) == max(perplexities[perplexities <= high])
    colours = [to_rgba(patch.get_facecolor()) for patch in pooled.patches]
    assert colours[1] == colours[2] and colours[3] == colours[4] and len(set(colours)) == 3


def test_problems_stand_by_the_bases_median_with_its_central_share():
    table = responses(models=2, problems=20)
    _, panel = draw("perplexity", table).axes
    of_base = values(table, "base").groupby("problem_id")["perplexity"]
    order = of_base.median().sort_values().index
    band, median = (patch.get_data() for patch in panel.patches)
    assert list(median.values) == pytest.approx(list(of_base.median()[order]))
    assert list(band.values) == pytest.approx(list(of_base.quantile(0.9)[order]))
    assert list(band.baseline) == pytest.approx(list(of_base.quantile(0.1)[order]))
    assert list(band.edges) == [place - 0.5 for place in range(21)]
    assert len(panel.containers) == 3
    for name, bars in zip(("GRPO", "PPO", "o1"), panel.containers, strict=True):
        points, _, (whiskers,) = bars.lines
        of_model = values(table, name).groupby("problem_id")["perplexity"]
        assert list(points.get_ydata()) == pytest.approx(list(of_model.median()[order]))
        assert list(np.round(points.get_xdata().astype(float))) == list(range(20))
        ends = np.array([segment[:, 1] for segment in whiskers.get_segments()])
        for side, quantile in enumerate((0.25, 0.75)):
            assert ends[:, side] == pytest.approx(list(of_model.quantile(quantile)[order]))
    assert panel.get_ylabel() == "perplexity under base" and panel.get_yscale() == "log"


def lost(table):
    """Some responses not scored, one problem of the base's among them, some cut off, some retokenised."""
    of_base, of_grpo = (table["label"] == name for name in ("base", "GRPO"))
    no_tokens = of_base & (table["problem_id"] == "001")
    table.loc[no_tokens, ["perplexity", "detail"]] = np.nan, "no tokens"
    table.loc[of_grpo & (table["sample_index"] == 2), "perplexity"] = np.nan
    too_long = "longer than the scorer's context of 4096 tokens"
    table.loc[table["perplexity"].isna() & ~no_tokens, "detail"] = too_long
    table.loc[of_grpo & (table["sample_index"] < 4), "cut_off"] = True
    table.loc[table["label"] == "o1", "tokens"] = "retokenised"
    table["cut_off"] = table["cut_off"].astype(object).where(table["label"] != "o1", None)
    return table


def test_what_is_not_shown_is_said_and_nothing_is_drawn_of_it():
    pooled, panel = draw("perplexity", responses(change=lost)).axes
    notes = panel.get_xlabel().replace("\n", " ").replace(GAP, " ")
    for said in (
        "not shown, no tokens: base 16",
        "not shown, longer than the scorer's context of 4096 tokens: GRPO 3",
        "cut off at the token cap: GRPO 9",  # of the 12, 3 are not shown
        "tokenised anew from the text: o1 3",
    ):
        assert said in notes
    band, median = (patch.get_data() for patch in panel.patches)
    assert list(np.isnan(median.values)) == list(np.isnan(band.values)) == [False, False, True]
    assert texts(panel.get_xticklabels())[2] == "001"
    drawn = [line.get_ydata() for line in panel.lines] + [line.get_xdata() for line in pooled.lines]
    assert np.isfinite(np.concatenate(drawn).astype(float)).all()
    everything = draw("perplexity", responses()).axes[1].get_xlabel().split("\n")
    assert len(everything) == 2 and not any("not shown" in line for line in everything)


def test_series_without_scores_are_left_out():
    def unscored(table):
        gone = table["label"] == "o1"
        return table.assign(
            perplexity=table["perplexity"].mask(gone), detail=np.where(gone, "no tokens", None)
        )

    pooled, panel = draw("perplexity", responses(change=unscored)).axes
    assert len(pooled.patches) == 3 and len(panel.containers) == 1
    assert panel.get_xlabel().endswith(f"not shown, no tokens: o1{GAP}3")


def test_problems_are_ordered_by_name_without_the_bases_responses():
    table = responses(problems=4)
    _, panel = draw("perplexity", table[table["label"] != "base"]).axes
    assert not panel.patches and len(panel.containers) == 2
    assert texts(panel.get_xticklabels()) == ["000", "001", "002", "003"]


def test_scorers_of_one_label_are_told_apart():
    table = responses(models=2)
    second = table["scorer_label"] == "PPO"
    table.loc[second, "scorer_label"] = "GRPO"
    pooled, _ = draw("perplexity", table).axes
    labels = texts(pooled.get_yticklabels())
    assert "GRPO under m0-1" in labels and "PPO under m0-2" in labels


@pytest.mark.parametrize("kind", ["perplexity", "perplexity_by_step", "entropy_matched"])
def test_figures_are_written_of_the_files_of_their_statistics(tmp_path, kind):
    tables = {
        "perplexity": partial(responses, change=lost),
        "perplexity_by_step": steps,
        "entropy_matched": matched,
    }
    described = [*cell(0), "scorer", "scorer_label", "scorer_role", "statistic", "steps", "run"]
    table = tables[kind]()
    described = [name for name in described if name in table]
    paths, cells = [], []
    for number, (values, rows) in enumerate(
        table.fillna({"run": ""}).groupby(described, sort=False)
    ):
        paths.append(tmp_path / f"{number}.csv")
        others = [name for name in rows if name == "detail" or rows[name].notna().any()]
        rows[others].drop(columns=described).to_csv(paths[-1], index=False)
        cells.append(dict(zip(described, values, strict=True)))
    outputs = [tmp_path / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    arguments = ["figures", kind, "--cells", json.dumps(cells), "--statistics", *map(str, paths)]
    assert main([*arguments, "--output", *map(str, outputs)]) == 0
    assert outputs[0].read_bytes().startswith(b"%PDF")
    assert outputs[1].read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(outputs[2])) == len(table)


@pytest.mark.parametrize(("models", "problems"), [(1, 2), (2, 100), (5, 2), (5, 100)])
@pytest.mark.parametrize(("benchmarks", "families"), [(1, 1), (2, 2)])
def test_panels_lie_beside_each_other(models, problems, benchmarks, families):
    table = responses(models, problems, 8, benchmarks, families, lost)
    figure = draw("perplexity", table)
    assert len(figure.axes) == 2 * benchmarks * families
    titles = [f"family {f} | benchmark {b}" for f in range(families) for b in range(benchmarks)]
    titles = ["benchmark 0"] if families == 1 else titles
    assert texts(axes.title for axes in figure.axes[::2]) == titles
    assert texts(figure.legends[0].get_texts())[0] == "base"
    assert len(figure.legends[0].get_texts()) == models + 2
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes.append(figure.legends[0].get_window_extent())
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    for pooled, panel in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        labels = [label.get_window_extent() for label in pooled.get_yticklabels()]
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(labels))
        assert all(len(line) <= LONGEST_LINE for line in panel.get_xlabel().split("\n"))
        ticks = texts(panel.get_xticklabels())
        assert len(ticks) == 2 if problems == 2 else "1" in ticks


def steps(runs=2, at=(0, 50, 100)):
    tables = [responses(0, 6).query("label == 'base'").assign(steps=0, run=None)]
    for run, step in itertools.product(range(runs), at[1:]):
        trained = cell(1) | {"model": f"r{run}-{step}", "label": f"step {step}"} | under(0)
        table = gather_tables([scores([run, step], 6, 16, 1 - step / 200)], [trained])
        tables.append(table.assign(steps=step, run=NAMES[run + 1]))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_a_run_starts_at_its_base(runs):
    table = steps(runs)
    table.loc[3, ["perplexity", "detail"]] = [np.nan, "no tokens"]
    figure = draw("perplexity_by_step", table)
    (axes,) = figure.axes
    assert axes.get_xlabel() == f"not shown, no tokens: base{GAP}1"
    assert texts(figure.legends[0].get_texts()) == NAMES[1 : runs + 1]
    assert len(axes.lines) == len(axes.collections) == runs
    for run, (line, band) in enumerate(zip(axes.lines, axes.collections, strict=True)):
        mine = table[table["run"].isna() | (table["run"] == NAMES[run + 1])]
        at_steps = mine.groupby("steps")["perplexity"]
        assert list(line.get_xdata()) == [0, 50, 100]
        assert list(line.get_ydata()) == pytest.approx(list(at_steps.median()))
        edges = band.get_paths()[0].vertices
        for quantile in (0.25, 0.75):
            for step, end in at_steps.quantile(quantile).items():
                assert (abs(edges - [step, end]) < 1e-9).all(axis=1).any()
    base_colours = {line.get_color() for line in draw("perplexity", responses()).axes[1].lines}
    assert axes.lines[0].get_color() in base_colours  # the first model's, and not the base's


def test_a_run_under_two_samplings_starts_at_the_base_under_the_same():
    table = steps(1)
    hot = table.assign(
        sampling="hot.seed0", sampling_label="T = 1", perplexity=table["perplexity"] ** 2
    )
    both = pd.concat([table, hot], ignore_index=True)
    (axes,) = draw("perplexity_by_step", both).axes
    starts = [part.query("steps == 0")["perplexity"].median() for part in (table, hot)]
    assert [line.get_ydata()[0] for line in axes.lines] == pytest.approx(starts)
    figure = draw("perplexity_by_step", both.drop(hot.query("steps == 0").index + len(table)))
    assert [line.get_ydata()[0] for line in figure.axes[0].lines] == pytest.approx(2 * starts[:1])
    assert texts(figure.legends[0].get_texts()) == ["GRPO, T = 0.6", "GRPO, T = 1"]


ENTROPIES = {
    "plain": {"temperature": 0.6, "entropy": (0.4, 0.35, 0.45)},
    "matched": {"temperature": (1.374, 1.3, 1.5), "entropy": (0.321, 0.3, 0.35)},
    "limit": {"temperature": (2, 2, 2), "entropy": (0.25, 0.2, 0.3)},
}
REACHED = {"matched": 1, "limit": 0}


def entropy_rows(name):
    measures = ENTROPIES[name]
    if name in REACHED:
        measures = measures | {"target_entropy": 0.32, "reached": REACHED[name]}
    measures = measures | {"problems": 30, "responses": 1234, "tokens": 9e4, "unscored": 2}
    rows = [
        (measure, *(told if isinstance(told, tuple) else (told, np.nan, np.nan)))
        for measure, told in measures.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high"])


def matched(models=3):
    k = np.arange(1, 17)
    tables, cells = [], []
    for model, name in zip(range(models), itertools.cycle(ENTROPIES), strict=False):
        curve = 1 - (0.9 - 0.1 * model) ** np.sqrt(k)
        table = pd.DataFrame(
            {"k": k, "pass_at_k": curve, "low": curve - 0.03, "high": curve + 0.03}
        )
        tables += [table, entropy_rows(name)]
        cells += [cell(model) | {"statistic": told} for told in ("pass_at_k", "entropy")]
    return gather_tables(tables, cells)


@pytest.mark.parametrize("models", [1, 3, 5])
def test_curves_are_listed_with_temperature_and_entropy(models):
    table = matched(models)
    figure = draw("entropy_matched", table)
    (axes,) = figure.axes
    said = [
        "T = 0.6, entropy 0.40",
        "T = 1.37, entropy 0.32",
        "limit: T = 2, entropy 0.25 of 0.32",
    ]
    listed = dict(
        zip(texts(figure.legends[0].get_texts()), texts(axes.legend_.get_texts()), strict=True)
    )
    assert listed == {NAMES[model]: said[model % 3] for model in range(models)}
    curves = table[table["statistic"] == "pass_at_k"].groupby("model", sort=False)
    for line, (_, curve) in zip(axes.lines, curves, strict=True):
        assert list(line.get_ydata()) == pytest.approx(list(curve["pass_at_k"]))
    assert axes.legend_.get_window_extent().y1 < axes.transData.transform((1, 0.07))[1]
    assert min(axes.get_yticks()) >= 0
    assert axes.get_xlabel() == ""


def test_a_curve_whose_entropy_is_not_known_is_not_listed():
    table = matched()
    unknown = (table["statistic"] == "entropy") & (table["label"] == "base")
    (axes,) = draw("entropy_matched", table[~unknown]).axes
    assert len(axes.lines) == 3 and len(axes.legend_.get_texts()) == 2
    (axes,) = draw("entropy_matched", table[table["statistic"] == "pass_at_k"]).axes
    assert len(axes.lines) == 3 and axes.legend_ is None


def test_entropies_are_laid_out_with_their_limits():
    cells = [cell(model) for model in range(3)]
    rows = lay_out(gather_tables([entropy_rows(name) for name in ENTROPIES], cells), "entropy")
    assert list(rows.columns) == [
        "benchmark", "model", "sampling", "n", "temperature", "entropy, nats a token",
        "entropy sought", "problems", "responses", "not scored",
    ]  # fmt: skip
    written = [[str(text).replace(GAP, " ") for text in row[4:]] for row in rows.to_numpy()]
    counts = ["30", "1,234", "2"]
    assert written == [
        ["0.60", "0.400 [0.350, 0.450]", "nan", *counts],
        ["1.37 [1.30, 1.50]", "0.321 [0.300, 0.350]", "0.320", *counts],
        ["limit: 2.00 [2.00, 2.00]", "0.250 [0.200, 0.300]", "0.320, not reached", *counts],
    ]
    assert "entropy sought" not in lay_out(
        gather_tables([entropy_rows("plain")], cells[:1]), "entropy"
    )


def test_perplexities_of_a_pair_are_laid_out_in_a_row():
    measures = {
        "perplexity_quantile_wrong": (np.nan, np.nan, np.nan),
        "perplexity_quantile": (0.25, 0.2, 0.3),
        "perplexity_quantile_pooled": (0.1, np.nan, np.nan),
        "base_median": (1.4, np.nan, np.nan),
        "model_responses": (1024, np.nan, np.nan),
        "problems_correct": (12, np.nan, np.nan),
    }
    table = pd.DataFrame(
        [(name, *told) for name, told in measures.items()],
        columns=["measure", "value", "low", "high"],
    )
    base = {"base": "m0-0", "base_label": "base", "base_sampling": "s.seed0"}
    base |= {"base_sampling_label": "T = 0.6", "base_n": 16}
    rows = lay_out(gather_tables([table], [cell(1) | base]), "perplexity")
    assert rows.iloc[0].str.replace(GAP, " ").dropna().to_dict() == {
        "benchmark": "b0",
        "model": "m0-1",
        "sampling": "s.seed0",
        "base": "m0-0",
        "model's median among the base's own, quantile": "0.250 [0.200, 0.300]",
        "of its wrong ones": "undefined",
        "over the problems pooled": "0.100",
        "median perplexity of the base's responses": "1.400",
        "with correct responses of both": "12",
        "model's responses": "1,024",
    }
