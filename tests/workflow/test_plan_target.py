"""The target that says what the study would take."""

import csv


def test_the_plan_is_a_target_that_runs_nothing_else(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")
    said = checkout.snakemake("plan").stdout
    row = next(line for line in said.splitlines() if line.startswith("fig_pass_at_k "))
    # Two models on two benchmarks of five problems and two on one, eight samples of every problem.
    assert row.split()[1:7] == ["6", "0", "6", "15", "240", "0"]
    with (checkout.results / "plan.csv").open() as file:
        drawn = [row for row in csv.DictReader(file) if row["model"] != "mini-reference"]
    assert {row["drawn"] for row in drawn} == {"0"}
    assert {path.name for path in checkout.results.rglob("*") if path.is_file()} == {
        "plan.csv",
        "plan.log",
    }


def test_a_mistake_in_the_costs_stops_the_plan_with_its_message(fresh, tmp_path):
    checkout = fresh.copy(tmp_path / "checkout")
    checkout.edit("costs.yaml", lambda costs: costs.update(bytes_per_token="two"))
    done = checkout.snakemake("plan", check=False)
    assert done.returncode != 0
    assert "config/costs.yaml: bytes_per_token: found 'two'; expected number" in done.stdout
    assert not (checkout.results / "plan.csv").exists()
