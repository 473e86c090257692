# analyse: counts of a cell, statistics of the counts, and how far second opinions agree.


CELL = "analyse/{model}/{benchmark}/{sampling}"
AGAINST = f"{CELL}/n{{n}}/{{judged}}/against/{{base}}/{{base_sampling}}/n{{base_n}}"
SCORED = f"{CELL}/scored/{{subset}}/{{scorer}}"
SCORED_AGAINST = f"{CELL}/scored/{{subset}}/{{base}}/{{verifier}}/against/{{base_sampling}}"


# Missing or repeated samples stop here, whatever became of their verdicts.
rule check_samples:
    input:
        samples=study_files(jobs.cell_shards, "sample/{model}/{benchmark}/{sampling}"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        cell="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        by_problem="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples_by_problem.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(1000),
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
        verdicts=study_files(jobs.cell_shards, "verify/{model}/{benchmark}/{sampling}/{verifier}"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        counts="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.parquet",
        tally="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/verdicts.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.log",
    wildcard_constraints:
        model=models_from(*LOADED, "endpoint", "samples"),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(1000),
    params:
        code=code_digest("boundary.stages.analyse"),
    message:
        "Counting {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}, by {wildcards.verifier}"
    shell:
        "python -m boundary analyse counts --verdicts {input.verdicts} --problems {input.problems}"
        " --n {wildcards.n} --output {output.counts} --tally {output.tally} 2> {log}"


# Verdicts that were made elsewhere are taken as they are.
rule import_counts:
    input:
        files=lambda wildcards: MODELS[wildcards.model].imported_files(wildcards.benchmark),
        problems=lambda wildcards: (
            []
            if BENCHMARKS[wildcards.benchmark].source == "counts_only"
            else f"<results>/benchmarks/{wildcards.benchmark}/problems.parquet"
        ),
    output:
        f"<results>/analyse/{{model}}/{{benchmark}}/{{sampling}}/n{{n}}/{VERIFIERS[0]}/counts.parquet",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/import.log",
    wildcard_constraints:
        model=models_from("counts"),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(4000),
    params:
        source=lambda wildcards: MODELS[wildcards.model].import_arguments(wildcards.benchmark),
        problems=lambda wildcards, input: [f"--problems={input.problems}"] if input.problems else [],
        code=code_digest("boundary.stages.import_"),
    message:
        "Importing counts of {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary import {params.source:q} {params.problems} --n {wildcards.n}"
        " --output {output} 2> {log}"


# The problems that a model answers now and then without reasoning, and cells without them.
rule find_guessable:
    input:
        study_files(jobs.asked_counts),
    output:
        "<results>/analyse/filters/{filter}/{benchmark}.csv",
    log:
        "<logs>/analyse/filters/{filter}/{benchmark}.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        below=lambda wildcards: STUDY.filters[wildcards.filter].below,
        code=code_digest("boundary.stages.analyse", "boundary.estimation.guesses"),
    message:
        "Finding the problems of {wildcards.benchmark} that are guessed: {wildcards.filter}"
    shell:
        "python -m boundary analyse guessable --counts {input} --below {params.below}"
        " --output {output} 2> {log}"


rule leave_out:
    input:
        counts="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/counts.parquet",
        guessable="<results>/analyse/filters/{filter}/{benchmark}.csv",
    output:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/{filter}/counts.parquet",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/{filter}/counts.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        code=code_digest("boundary.stages.analyse", "boundary.estimation.guesses"),
    message:
        "Leaving out of {wildcards.model} on {wildcards.benchmark} what {wildcards.filter} names"
    shell:
        "python -m boundary analyse leave-out --counts {input.counts} --guessable {input.guessable}"
        " --name {wildcards.filter} --output {output} 2> {log}"


rule estimate:
    input:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{judged}/counts.parquet",
    output:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{judged}/{statistic}.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{judged}/{statistic}.log",
    wildcard_constraints:
        statistic=names(ESTIMATORS),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(1000),
    params:
        bootstrap=[f"--{key}={value}" for key, value in STUDY.bootstrap.items()],
        code=lambda wildcards: code_digest(
            "boundary.stages.analyse", f"boundary.estimation.{wildcards.statistic}"
        ),
    message:
        "Estimating {wildcards.statistic} of {wildcards.model} on {wildcards.benchmark}, by {wildcards.judged}"
    shell:
        "python -m boundary analyse {wildcards.statistic} --counts {input} --n {wildcards.n}"
        " {params.bootstrap} --output {output} 2> {log}"


# A cell against another on the same problems: its base, or what a claim compares it with.
rule compare:
    input:
        counts="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{judged}/counts.parquet",
        base="<results>/analyse/{base}/{benchmark}/{base_sampling}/n{base_n}/{judged}/counts.parquet",
    output:
        difference=f"<results>/{AGAINST}/difference.csv",
        coverage=f"<results>/{AGAINST}/coverage.csv",
        measures=f"<results>/{AGAINST}/measures.csv",
    log:
        f"<logs>/{AGAINST}/compare.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(2000),
    params:
        bootstrap=[f"--{key}={value}" for key, value in STUDY.bootstrap.items()],
        code=code_digest("boundary.stages.analyse", "boundary.estimation.comparison"),
    message:
        "Comparing {wildcards.model} with {wildcards.base} on {wildcards.benchmark}, by {wildcards.judged}"
    shell:
        "python -m boundary analyse compare --counts {input.counts} --base {input.base}"
        " {params.bootstrap}"
        " --difference {output.difference} --coverage {output.coverage} --measures {output.measures}"
        " 2> {log}"


# Votes are between answers, which counts do not hold.
rule vote:
    input:
        samples="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        verdicts=study_files(jobs.cell_shards, "verify/{model}/{benchmark}/{sampling}/{verifier}"),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        "<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/majority_at_k.csv",
    log:
        "<logs>/analyse/{model}/{benchmark}/{sampling}/n{n}/{verifier}/majority_at_k.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(2000),
    params:
        level=STUDY.bootstrap["level"],
        code=code_digest("boundary.stages.analyse", "boundary.estimation.majority_at_k"),
    message:
        "Voting on the answers of {wildcards.model} on {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary analyse majority_at_k --verdicts {input.verdicts}"
        " --problems {input.problems} --n {wildcards.n} --level {params.level} --output {output} 2> {log}"


# The same samples under a second opinion and under the study's own verifier.
rule compare_verifiers:
    input:
        samples="<results>/analyse/{model}/{benchmark}/{sampling}/n{n}/samples.csv",
        verdicts=study_files(jobs.cell_shards, "verify/{model}/{benchmark}/{sampling}/{verifier}"),
        reference=study_files(
            jobs.cell_shards, f"verify/{{model}}/{{benchmark}}/{{sampling}}/{VERIFIERS[0]}"
        ),
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
        mem_mb=grows(1000),
    params:
        code=code_digest("boundary.stages.analyse", "boundary.estimation.agreement"),
    message:
        "Comparing {wildcards.verifier} on {wildcards.model}, {wildcards.benchmark}, n = {wildcards.n}"
    shell:
        "python -m boundary analyse agreement --verdicts {input.verdicts} --reference {input.reference}"
        " --problems {input.problems} --n {wildcards.n} --output {output.agreement}"
        " --disagreements {output.disagreements} 2> {log}"


# Scores: the perplexity of each response with its verdict, where a model's lie among those of its base's own
# responses, and the entropy of a model's output.
rule tabulate_perplexity:
    input:
        scores="<results>/score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.parquet",
        verdicts=study_files(jobs.scored_shards, "verify/{model}/{benchmark}/{sampling}/{verifier}"),
    output:
        f"<results>/{SCORED}/{{verifier}}/perplexity.csv",
    log:
        f"<logs>/{SCORED}/{{verifier}}/perplexity.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        code=code_digest("boundary.stages.analyse_scores", "boundary.estimation.perplexity"),
    message:
        "Listing perplexities of {wildcards.model} on {wildcards.benchmark} under {wildcards.scorer}"
    shell:
        "python -m boundary analyse perplexity --scores {input.scores} --verdicts {input.verdicts}"
        " --output {output} 2> {log}"


rule place_perplexity:
    input:
        model="<results>/analyse/{model}/{benchmark}/{sampling}/scored/{subset}/{base}/{verifier}/perplexity.csv",
        base="<results>/analyse/{base}/{benchmark}/{base_sampling}/scored/{subset}/{base}/{verifier}/perplexity.csv",
    output:
        measures=f"<results>/{SCORED_AGAINST}/perplexity_quantile.csv",
        by_problem=f"<results>/{SCORED_AGAINST}/perplexity_by_problem.csv",
    log:
        f"<logs>/{SCORED_AGAINST}/perplexity_quantile.log",
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(1000),
    params:
        bootstrap=[f"--{key}={value}" for key, value in STUDY.bootstrap.items()],
        code=code_digest(
            "boundary.stages.analyse_scores", "boundary.estimation.perplexity_quantile"
        ),
    message:
        "Placing perplexities of {wildcards.model} among those of {wildcards.base} on {wildcards.benchmark}"
    shell:
        "python -m boundary analyse perplexity_quantile --model {input.model} --base {input.base}"
        " {params.bootstrap} --by-problem {output.by_problem} --output {output.measures} 2> {log}"


rule estimate_entropy:
    input:
        scores="<results>/score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.parquet",
        matched=matched_file,
    output:
        f"<results>/{SCORED}/entropy.csv",
    log:
        f"<logs>/{SCORED}/entropy.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        level=STUDY.bootstrap["level"],
        matched=lambda wildcards, input: [f"--matched={input.matched}"] if input.matched else [],
        code=code_digest("boundary.stages.analyse_scores", "boundary.estimation.entropy"),
    message:
        "Estimating the entropy of {wildcards.model} on {wildcards.benchmark}, {wildcards.sampling}"
    shell:
        "python -m boundary analyse entropy --scores {input.scores} {params.matched}"
        " --level {params.level} --output {output} 2> {log}"
