# models: train the miniature's, locate all others. A recipe trains a model anew, a change of code does not.


rule pretrain_model:
    output:
        record="<results>/models/{model}/model.json",
        checkpoint=directory("<results>/models/{model}/checkpoint"),
        metrics="<results>/models/{model}/metrics.csv",
    log:
        "<logs>/models/{model}.log",
    benchmark:
        "<benchmarks>/models/{model}.tsv"
    wildcard_constraints:
        model=models_from("pretrain"),
    conda:
        "../../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=grows(2000),
    params:
        recipe=recipe("pretrain"),
        template=model_template,
        template_digest=template_digest,
    message:
        "Pre-training {wildcards.model}, some minutes; its progress is in {log}"
    shell:
        "python -m boundary models --name {wildcards.model} --pretrain {params.recipe:q}"
        " --template {params.template} --threads {threads}"
        " --metrics {output.metrics} --output {output.record} 2> {log}"


rule train_rlvr_model:
    input:
        base=model_record(lambda model: [model.base]),
        problems=training_problems,
    output:
        record="<results>/models/{model}/model.json",
        checkpoint=directory("<results>/models/{model}/checkpoint"),
        steps=directory("<results>/models/{model}/steps"),
        metrics="<results>/models/{model}/metrics.csv",
    log:
        "<logs>/models/{model}.log",
    benchmark:
        "<benchmarks>/models/{model}.tsv"
    wildcard_constraints:
        model=models_from("rlvr"),
    conda:
        "../../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=grows(2000),
    params:
        recipe=recipe("rlvr"),
        steps=study_setting(jobs.steps_to_save),
        policy=training_policy,
        pixels=lambda wildcards: MODELS[wildcards.model].pixel_arguments,
        template=model_template,
        template_digest=template_digest,
    message:
        "Training {wildcards.model} on verified rewards, some minutes; its progress is in {log}"
    shell:
        "python -m boundary models --name {wildcards.model} --rlvr {params.recipe:q}"
        " --template {params.template} --base {input.base} --problems {input.problems}"
        " --policy {params.policy:q} --threads {threads} {params.pixels} --save-steps {params.steps}"
        " --metrics {output.metrics} --output {output.record} 2> {log}"


rule finetune_model:
    input:
        base=model_record(lambda model: [model.base]),
        teacher=model_record(lambda model: [model.teacher["model"]] if model.teacher else []),
        problems=training_problems,
    output:
        record="<results>/models/{model}/model.json",
        checkpoint=directory("<results>/models/{model}/checkpoint"),
        solutions="<results>/models/{model}/solutions.csv",
        metrics="<results>/models/{model}/metrics.csv",
    log:
        "<logs>/models/{model}.log",
    benchmark:
        "<benchmarks>/models/{model}.tsv"
    wildcard_constraints:
        model=models_from("finetune"),
    conda:
        "../../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=grows(2000),
    params:
        recipe=recipe("finetune"),
        teacher=lambda wildcards, input: (
            f"--teacher {input.teacher} --problems {input.problems}" if input.teacher else ""
        ),
        policy=training_policy,
        template=model_template,
        template_digest=template_digest,
    message:
        "Fine-tuning {wildcards.model}, some minutes; its progress is in {log}"
    shell:
        "python -m boundary models --name {wildcards.model} --finetune {params.recipe:q}"
        " --template {params.template} --base {input.base} {params.teacher}"
        " --policy {params.policy:q} --threads {threads}"
        " --metrics {output.metrics} --output {output.record} 2> {log}"


rule locate_step:
    input:
        lambda wildcards: f"<results>/models/{MODELS[wildcards.model].settings['step_of']['model']}/steps",
    output:
        record="<results>/models/{model}/model.json",
    log:
        "<logs>/models/{model}.log",
    wildcard_constraints:
        model=models_from("step_of"),
    conda:
        "../../envs/sample.yaml"
    params:
        step=lambda wildcards: MODELS[wildcards.model].settings["step_of"]["step"],
    message:
        "Locating {wildcards.model}"
    shell:
        "python -m boundary models --name {wildcards.model} --path {input}/{params.step}"
        " --output {output.record} 2> {log}"


rule locate_model:
    input:
        checkpoint_files,
    output:
        record="<results>/models/{model}/model.json",
    log:
        "<logs>/models/{model}.log",
    wildcard_constraints:
        model=models_from("hub", "path", "endpoint"),
    conda:
        "../../envs/sample.yaml"
    params:
        source=lambda wildcards: MODELS[wildcards.model].source_arguments,
    message:
        "Locating {wildcards.model}; downloads are logged in {log}"
    shell:
        "python -m boundary models --name {wildcards.model} {params.source:q}"
        " --output {output.record} 2> {log}"
