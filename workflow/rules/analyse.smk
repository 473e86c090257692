# analyse: counts of a cell, statistics of the counts, and how far second opinions agree.


# Missing or repeated samples stop here, whatever became of their verdicts.
rule check_samples:
    input:
        samples=shard_files("sample/{model}/{benchmark}/{sampling}"),
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
        verdicts=shard_files("verify/{model}/{benchmark}/{sampling}/{verifier}"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        counts="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.parquet",
        tally="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/verdicts.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code_digest("boundary.stages.analyse"),
    message:
        "Counting {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}, by {wildcards.verifier}"
    shell:
        "python -m boundary analyse counts --verdicts {input.verdicts} --problems {input.problems}"
        " --n {wildcards.n} --output {output.counts} --tally {output.tally} 2> {log}"


rule estimate:
    input:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.parquet",
    output:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/{statistic}.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/{statistic}.log",
    wildcard_constraints:
        statistic=names(STATISTICS),
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
        "Estimating {wildcards.statistic} of {wildcards.model} on {wildcards.benchmark}, by {wildcards.verifier}"
    shell:
        "python -m boundary analyse {wildcards.statistic} --counts {input} --n {wildcards.n}"
        " {params.bootstrap} --output {output} 2> {log}"


# The same samples under a second opinion and under the study's own verifier.
rule compare_verifiers:
    input:
        samples="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        verdicts=shard_files("verify/{model}/{benchmark}/{sampling}/{verifier}"),
        reference=shard_files(f"verify/{{model}}/{{benchmark}}/{{sampling}}/{VERIFIERS[0]}"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        agreement="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/agreement.csv",
        disagreements="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/disagreements.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/agreement.log",
    wildcard_constraints:
        verifier=names(VERIFIERS[1:]),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code_digest("boundary.stages.analyse", "boundary.estimation.agreement"),
    message:
        "Comparing {wildcards.verifier} on {wildcards.model}, {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary analyse agreement --verdicts {input.verdicts} --reference {input.reference}"
        " --problems {input.problems} --n {wildcards.n} --output {output.agreement}"
        " --disagreements {output.disagreements} 2> {log}"
