# Did post-training widen what a language model can solve, or did it only make the base model find it
# sooner? The study file (config/studies) lists figures and tables; every job follows from their cells.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


pathvars:
    results=f"results/{STUDY.name}",
    logs=f"results/{STUDY.name}/logs",
    benchmarks=f"results/{STUDY.name}/runtimes",


report: "workflow/report/workflow.rst"


rule all:
    input:
        [exhibit_files(exhibit) for exhibit in STUDY.exhibits.values() if not exhibit.by_name],


include: "workflow/rules/benchmarks.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/figures.smk"
