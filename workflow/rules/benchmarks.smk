# benchmarks: problem records.


rule write_benchmark:
    input:
        lambda wildcards: BENCHMARKS[wildcards.benchmark].settings.get("path", []),
    output:
        "<results>/benchmarks/{benchmark}/problems.parquet",
    log:
        "<logs>/benchmarks/{benchmark}.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        source=lambda wildcards: BENCHMARKS[wildcards.benchmark].source_arguments,
        protocol=lambda wildcards: BENCHMARKS[wildcards.benchmark].protocol,
        code=code_digest("boundary.stages.benchmarks"),
    message:
        "Writing the problems of {wildcards.benchmark}"
    shell:
        "python -m boundary benchmarks --name {wildcards.benchmark} --protocol {params.protocol}"
        " {params.source:q} --output {output} 2> {log}"
