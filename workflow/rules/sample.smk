# sample: draw the samples of a cell, shard by shard. Nothing that makes Snakemake run this rule again
# throws samples away: what is drawn goes through a journal and stays sealed beside it, outside the
# declared outputs (which Snakemake deletes), and a shard of the same identity is taken from there.


rule sample:
    input:
        model="<results>/models/{model}/model.json",
        problems=study_files(jobs.posed_problems),
        matched=matched_file,
    output:
        "<results>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.parquet",
    log:
        "<logs>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.log",
    benchmark:
        "<benchmarks>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.tsv"
    wildcard_constraints:
        model=models_from(*LOADED, "endpoint"),
    conda:
        environment_of("model", "environment")
    resources:
        # While weights are loaded, a GPU's share of them passes through the machine's memory.
        mem_mb=grows(lambda wildcards: max(3000, 16000 * MODELS[wildcards.model].gpus)),
        runtime=grows(minutes_of(requests.sampling_minutes)),
        gpu=gpus_of("model"),
        # Here and not among the parameters, since another one makes Snakemake run nothing again.
        engine=lambda wildcards: " ".join(MODELS[wildcards.model].engine_arguments),
    params:
        template=lambda wildcards: STUDY.template(wildcards.model, wildcards.sampling),
        template_digest=template_digest,
        temperature=temperature,
        top_p=sampling_of("top_p"),
        max_tokens=sampling_of("max_tokens"),
        seed=sampling_of("seed"),
        shard_size=shard_size,
        loading=lambda wildcards: MODELS[wildcards.model].loading_arguments,
        keep=f"results/{STUDY.name}/kept/{{model}}/{{benchmark}}/{{sampling}}",
    message:
        "Sampling {wildcards.model} on {wildcards.benchmark}, shard {wildcards.shard}; see {log}"
    shell:
        "python -m boundary sample --model {input.model} --problems {input.problems}"
        " --template {params.template} --temperature {params.temperature} --top-p {params.top_p}"
        " --max-tokens {params.max_tokens} --seed {params.seed} --shard {wildcards.shard}"
        " --shard-size {params.shard_size} --threads {threads} {params.loading} {resources.engine}"
        " --keep {params.keep} --output {output} 2> {log}"


# Samples that were drawn elsewhere: from here on they are as good as drawn.
rule import_samples:
    input:
        files=lambda wildcards: MODELS[wildcards.model].imported_files(wildcards.benchmark),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        "<results>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.parquet",
    log:
        "<logs>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.log",
    wildcard_constraints:
        model=models_from("samples"),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(4000),
    params:
        source=lambda wildcards: MODELS[wildcards.model].import_arguments(wildcards.benchmark),
        shard_size=shard_size,
        code=code_digest("boundary.stages.import_"),
    message:
        "Importing {wildcards.model} on {wildcards.benchmark}, shard {wildcards.shard}"
    shell:
        "python -m boundary import {params.source:q}"
        " --problems {input.problems} --to samples --shard-size {params.shard_size}"
        " --shard {wildcards.shard} --output {output} 2> {log}"
