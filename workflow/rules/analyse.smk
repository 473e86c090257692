# analyse: counts of a cell, and statistics of the counts.


# Missing or repeated samples stop here, whatever became of their verdicts.
rule check_samples:
    input:
        samples=shard_files("sample"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        cell="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        by_problem="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples_by_problem.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code_digest("boundary.stages.analyse"),
    message:
        "Checking the samples of {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary analyse samples --samples {input.samples} --problems {input.problems}"
        " --n {wildcards.n} --output {output.cell} --by-problem {output.by_problem} 2> {log}"


rule count:
    input:
        samples="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        verdicts=shard_files("verify"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        counts="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/counts.parquet",
        tally="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/verdicts.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/counts.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code_digest("boundary.stages.analyse"),
    message:
        "Counting {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary analyse counts --verdicts {input.verdicts} --problems {input.problems}"
        " --n {wildcards.n} --output {output.counts} --tally {output.tally} 2> {log}"


rule estimate:
    input:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/counts.parquet",
    output:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{statistic}.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{statistic}.log",
    wildcard_constraints:
        statistic="(?!verdicts|samples)[a-z_]+",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=1000,
    params:
        bootstrap=[f"--{key}={value}" for key, value in STUDY.bootstrap.items()],
        code=lambda wildcards: code_digest(
            "boundary.stages.analyse", f"boundary.estimation.{wildcards.statistic}"
        ),
    message:
        "Estimating {wildcards.statistic} of {wildcards.model} on {wildcards.benchmark}"
    shell:
        "python -m boundary analyse {wildcards.statistic} --counts {input} --n {wildcards.n}"
        " {params.bootstrap} --output {output} 2> {log}"
