# Did post-training widen what a language model can solve, or did it only make the base model find it
# sooner? The study file (config/studies) lists figures, tables and sheets; every job follows from their cells.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/run.smk"


pathvars:
    results=f"results/{STUDY.name}",
    logs=f"results/{STUDY.name}/logs",
    benchmarks=f"results/{STUDY.name}/runtimes",


report: "workflow/report/workflow.rst"


rule all:
    input:
        [exhibit_files(exhibit) for exhibit in jobs.default_exhibits(STUDY)],


# What the study takes, before anything runs. It runs in Snakemake's own Python, which reads the study anyway, and
# needs pandas and pyarrow there to see what has been drawn; without a declared output it is made anew each time,
# since what is there already is part of it.
rule plan:
    log:
        "<logs>/plan.log",
    localrule: True
    run:
        boundary = shlex.join([sys.executable, "-m", "boundary"])
        output = f"--output results/{STUDY.name}/plan.csv"
        plan = f"{boundary} plan --study {STUDY.name} {output}"
        shell(f"set -o pipefail; {plan} 2>&1 | tee {{log}}")


include: "workflow/rules/benchmarks.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/verl.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/sheets.smk"
include: "workflow/rules/figures.smk"
