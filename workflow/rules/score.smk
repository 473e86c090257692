# score: log-likelihood and entropy of some responses of a cell under a model, and the temperature at
# which a model's entropy equals its base's. As of samples, nothing that makes Snakemake run the rule again
# throws scores away.


rule score:
    input:
        scorer="<results>/models/{scorer}/model.json",
        samples=study_files(jobs.scored_shards, "sample/{model}/{benchmark}/{sampling}"),
        problems="<results>/benchmarks/{benchmark}/subsets/{subset}.parquet",
    output:
        "<results>/score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.parquet",
    log:
        "<logs>/score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.log",
    benchmark:
        "<benchmarks>/score/{model}/{benchmark}/{sampling}/{subset}/{scorer}.tsv"
    wildcard_constraints:
        scorer=models_from(*LOADED),
    conda:
        environment_of("scorer", "scoring_environment")
    resources:
        # While weights are loaded, a GPU's share of them passes through the machine's memory.
        mem_mb=grows(
            lambda wildcards: max(2000, 16000 * MODELS[wildcards.scorer].gpus)
            + MODELS[wildcards.scorer].score_megabytes
        ),
        runtime=grows(minutes_of(requests.scoring_minutes)),
        gpu=gpus_of("scorer"),
        # Here and not among the parameters, since another one makes Snakemake run nothing again.
        memory=lambda wildcards: " ".join(MODELS[wildcards.scorer].scoring_memory_arguments),
    params:
        template=lambda wildcards: STUDY.template(wildcards.model, wildcards.sampling),
        template_digest=template_digest,
        responses=lambda wildcards: STUDY.subsets[wildcards.subset].responses,
        seed=lambda wildcards: STUDY.subsets[wildcards.subset].seed,
        temperature=study_setting(jobs.told_temperature),
        loading=lambda wildcards: MODELS[wildcards.scorer].scoring_arguments,
        keep=f"results/{STUDY.name}/kept/score/{{model}}/{{benchmark}}/{{sampling}}/{{subset}}/{{scorer}}",
    message:
        "Scoring {wildcards.model} on {wildcards.benchmark} with {wildcards.scorer}; see {log}"
    shell:
        "python -m boundary score --scorer {input.scorer} --samples {input.samples}"
        " --problems {input.problems} --template {params.template} --responses {params.responses}"
        " --seed {params.seed} {params.temperature} --threads {threads} {params.loading}"
        " {resources.memory} --keep {params.keep} --output {output} 2> {log}"


# The samples of a matched sampling are drawn at a temperature that only this tells.
checkpoint match_temperature:
    input:
        target=study_files(jobs.target_scores),
        probes=study_files(jobs.probe_scores),
    output:
        "<results>/score/{model}/{benchmark}/{sampling}/matched.json",
    log:
        "<logs>/score/{model}/{benchmark}/{sampling}/matched.log",
    wildcard_constraints:
        sampling=names(
            directory for directory, sampling in STUDY.sampling.items() if sampling.matching
        ),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(1000),
    params:
        bootstrap=[f"--{key}={value}" for key, value in STUDY.bootstrap.items()],
        code=code_digest(
            "boundary.stages.analyse_scores", "boundary.estimation.matched_temperature"
        ),
    message:
        "Matching the entropy of {wildcards.model} to its base's on {wildcards.benchmark}"
    shell:
        "python -m boundary analyse match --target {input.target} --probes {input.probes}"
        " {params.bootstrap} --output {output} 2> {log}"
