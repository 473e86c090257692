# models at the paper's scale: trained with VeRL, on the GPUs of one machine. A recipe trains a model anew; a training
# that was killed goes on from what is kept beside its output, outside of what is declared.


rule train_with_verl:
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
        model=models_from("verl"),
    conda:
        "../../envs/verl.yaml"
    resources:
        # A guess, since nobody has measured it here: every GPU's share of weights and moments passes through memory.
        mem_mb=grows(lambda wildcards: 48000 * MODELS[wildcards.model].training_gpus),
        runtime=grows(2880),
        gpu=gpus_of("model", "training_gpus"),
    params:
        recipe=recipe("verl"),
        steps=study_setting(jobs.steps_to_save),
        policy=training_policy,
        template=model_template,
        template_digest=template_digest,
    message:
        "Training {wildcards.model} with VeRL, days on GPUs; its progress is in {log}"
    shell:
        "python -m boundary train --name {wildcards.model} --recipe {params.recipe:q}"
        " --template {params.template} --base {input.base} --problems {input.problems}"
        " --policy {params.policy:q} --save-steps {params.steps}"
        " --metrics {output.metrics} --output {output.record} 2>> {log}"
