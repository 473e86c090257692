# figures: every figure and table, each a target by its name.


rule draw_figure:
    input:
        study_setting(jobs.exhibit_statistics),
    output:
        pdf="<results>/figures/{exhibit}.pdf",
        png=report(
            "<results>/figures/{exhibit}.png",
            caption="../report/exhibit.rst",
            category="Figures",
            labels={"figure": "{exhibit}"},
        ),
        csv="<results>/figures/{exhibit}.csv",
    log:
        "<logs>/figures/{exhibit}.log",
    wildcard_constraints:
        exhibit=names(exhibit.name for exhibit in STUDY.exhibits_of("figure")),
    conda:
        "../../envs/analyse.yaml"
    params:
        kind=lambda wildcards: STUDY.exhibits[wildcards.exhibit].kind,
        caption=lambda wildcards: STUDY.exhibits[wildcards.exhibit].caption,
        cells=study_setting(jobs.exhibit_cells),
        code=study_setting(jobs.exhibit_code),
    message:
        "Drawing {wildcards.exhibit}"
    shell:
        "python -m boundary figures {params.kind} --statistics {input} --cells {params.cells:q}"
        " --output {output} 2> {log}"


rule lay_out_table:
    input:
        study_setting(jobs.exhibit_statistics),
    output:
        html=report(
            "<results>/tables/{exhibit}.html",
            caption="../report/exhibit.rst",
            category="Tables",
            labels={"table": "{exhibit}"},
        ),
        csv="<results>/tables/{exhibit}.csv",
    log:
        "<logs>/tables/{exhibit}.log",
    wildcard_constraints:
        exhibit=names(
            exhibit.name for exhibit in STUDY.exhibits_of("table") if exhibit.kind != "claims"
        ),
    conda:
        "../../envs/analyse.yaml"
    params:
        kind=lambda wildcards: STUDY.exhibits[wildcards.exhibit].kind,
        caption=lambda wildcards: STUDY.exhibits[wildcards.exhibit].caption,
        cells=study_setting(jobs.exhibit_cells),
        published=lambda wildcards: json.dumps(
            STUDY.published_of(STUDY.exhibits[wildcards.exhibit])
        ),
        code=study_setting(jobs.exhibit_code),
    message:
        "Laying out {wildcards.exhibit}"
    shell:
        "python -m boundary figures {params.kind} --statistics {input} --cells {params.cells:q}"
        " --title {wildcards.exhibit} --caption={params.caption:q} --published {params.published:q} --output {output} 2> {log}"


rule judge_claims:
    input:
        study_setting(jobs.exhibit_statistics),
    output:
        html=report(
            "<results>/tables/{exhibit}.html",
            caption="../report/exhibit.rst",
            category="Tables",
            labels={"table": "{exhibit}"},
        ),
        csv="<results>/tables/{exhibit}.csv",
        json="<results>/tables/{exhibit}.json",
    log:
        "<logs>/tables/{exhibit}.log",
    wildcard_constraints:
        exhibit=names(
            exhibit.name for exhibit in STUDY.exhibits_of("table") if exhibit.kind == "claims"
        ),
    conda:
        "../../envs/analyse.yaml"
    params:
        caption=lambda wildcards: STUDY.exhibits[wildcards.exhibit].caption,
        cells=study_setting(jobs.exhibit_cells),
        code=study_setting(jobs.exhibit_code),
    message:
        "Judging the claims: {wildcards.exhibit}"
    shell:
        "python -m boundary figures claims --statistics {input} --cells {params.cells:q}"
        " --title {wildcards.exhibit} --caption={params.caption:q} --output {output} 2> {log}"


for target in STUDY.exhibits.values():

    rule:
        name:
            target.name
        input:
            exhibit_files(target),
