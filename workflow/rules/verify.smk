# verify: a verdict for every sample by every verifier that is asked, in files of their own. Answers that
# were judged before, whatever the model, are kept outside the declared outputs and judged once.
rule verify:
    input:
        samples="<results>/sample/{model}/{benchmark}/{sampling}/shard-{shard}.parquet",
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
    output:
        "<results>/verify/{model}/{benchmark}/{sampling}/{verifier}/shard-{shard}.parquet",
    log:
        "<logs>/verify/{model}/{benchmark}/{sampling}/{verifier}/shard-{shard}.log",
    conda:
        "../../envs/verify.yaml"
    resources:
        mem_mb=grows(2000),
    params:
        policy=lambda wildcards: BENCHMARKS[wildcards.benchmark].policy,
        memo=f"results/{STUDY.name}/kept/answers/{{benchmark}}/{{verifier}}",
        # By its name, since the stage imports it by its name.
        code=lambda wildcards: code_digest(
            "boundary.stages.verify",
            verifier_module(wildcards.verifier, BENCHMARKS[wildcards.benchmark].domain),
        ),
    message:
        "Verifying {wildcards.model} on {wildcards.benchmark}, shard {wildcards.shard}, by {wildcards.verifier}"
    shell:
        "python -m boundary verify --samples {input.samples} --problems {input.problems}"
        " --verifier {wildcards.verifier} --policy {params.policy:q} --memo {params.memo}"
        " --workers {threads} --output {output} 2> {log}"
