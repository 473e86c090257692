# sheets: responses laid out for a person to judge. The page, the CSV to be filled in and its key lie beside
# the declared output, which Snakemake deletes before it runs the rule again, and are never written over.


rule lay_out_sheet:
    input:
        samples=study_files(jobs.cell_shards, "sample/{model}/{benchmark}/{sampling}"),
        verdicts=study_files(jobs.sheet_verdicts),
        problems="<results>/benchmarks/{benchmark}/problems.parquet",
        guessable=study_files(jobs.sheet_guessable),
    output:
        "<results>/sheets/{exhibit}/{model}/{benchmark}/{sampling}/n{n}/{judged}/instructions.txt",
    log:
        "<logs>/sheets/{exhibit}/{model}/{benchmark}/{sampling}/n{n}/{judged}.log",
    wildcard_constraints:
        exhibit=names(exhibit.name for exhibit in STUDY.exhibits_of("sheet")),
    conda:
        "../../envs/analyse.yaml"
    resources:
        mem_mb=grows(2000),
    params:
        kind=lambda wildcards: STUDY.exhibits[wildcards.exhibit].kind,
        below=lambda wildcards: STUDY.exhibits[wildcards.exhibit].below,
        caption=lambda wildcards: STUDY.exhibits[wildcards.exhibit].caption,
        guessable=lambda wildcards, input: [f"--guessable={file}" for file in input.guessable],
        folder=f"results/{STUDY.name}/sheets/{{exhibit}}/{{model}}/{{benchmark}}/{{sampling}}/n{{n}}/{{judged}}",
        code=study_setting(jobs.sheet_code),
    message:
        "Laying out {wildcards.exhibit}: {wildcards.model} on {wildcards.benchmark}; see {output}"
    shell:
        "python -m boundary {params.kind} draw --verdicts {input.verdicts} --samples {input.samples}"
        " --problems {input.problems} --n {wildcards.n} --below {params.below} {params.guessable}"
        " --caption={params.caption:q}"
        " --output {params.folder} > {output} 2> {log}"
