# benchmarks: problem records.


rule write_benchmark:
    input:
        lambda wildcards: BENCHMARKS[wildcards.benchmark].path or [],
    output:
        "<results>/benchmarks/{benchmark}/problems.parquet",
    log:
        "<logs>/benchmarks/{benchmark}.log",
    conda:
        "../../envs/benchmarks.yaml"
    resources:
        # Of LiveCodeBench, a problem's tests may be hundreds of megabytes.
        mem_mb=grows(4000),
    params:
        source=lambda wildcards: BENCHMARKS[wildcards.benchmark].source_arguments,
        protocol=lambda wildcards: BENCHMARKS[wildcards.benchmark].protocol,
        code=lambda wildcards: code_digest(
            "boundary.stages.benchmarks", *BENCHMARKS[wildcards.benchmark].modules
        ),
    message:
        "Writing the problems of {wildcards.benchmark}"
    shell:
        "python -m boundary benchmarks --name {wildcards.benchmark} --protocol {params.protocol}"
        " {params.source:q} --output {output} 2> {log}"


rule choose_problems:
    input:
        "<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        "<results>/benchmarks/{benchmark}/subsets/{subset}.parquet",
    log:
        "<logs>/benchmarks/{benchmark}/subsets/{subset}.log",
    conda:
        "../../envs/analyse.yaml"
    params:
        subset=lambda wildcards: json.dumps(STUDY.subsets[wildcards.subset].chosen),
        code=code_digest("boundary.stages.benchmarks"),
    message:
        "Choosing problems of {wildcards.benchmark}: {wildcards.subset}"
    shell:
        "python -m boundary benchmarks --name {wildcards.benchmark} --part-of {input}"
        " --subset {params.subset:q} --output {output} 2> {log}"
