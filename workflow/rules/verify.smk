# verify: a verdict for every sample, in files of their own.
rule verify:
    input:
        samples="<results>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.parquet",
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        "<results>/verify/{model}/{benchmark}/{sampling}/shard-{shard}.parquet",
    log:
        "<logs>/verify/{model}/{benchmark}/{sampling}/shard-{shard}.log",
    conda:
        "../../envs/verify.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code_digest("boundary.stages.verify"),
    message:
        "Verifying {wildcards.model} on {wildcards.benchmark}, shard {wildcards.shard}; see {log}"
    shell:
        "python -m boundary verify --samples {input.samples} --problems {input.problems}"
        " --output {output} 2> {log}"
