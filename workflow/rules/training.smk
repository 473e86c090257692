# What the rules of trainings are given.


def recipe(source):
    """A params function: the model's training recipe as JSON."""
    return lambda wildcards: json.dumps(MODELS[wildcards.model].settings[source])


def model_record(find):
    """An input function: the records of the models whose names ``find`` tells of the job's model."""
    return lambda wildcards: expand(
        "<results>/models/{name}/model.json", name=find(MODELS[wildcards.model])
    )


def training_problems(wildcards):
    """The problems that a training draws from, if there are any."""
    return expand(
        "<results>/benchmarks/{benchmark}/problems.parquet",
        benchmark=MODELS[wildcards.model].training_benchmarks,
    )


def training_policy(wildcards):
    """What a correct response to these problems is."""
    benchmarks = MODELS[wildcards.model].training_benchmarks
    return BENCHMARKS[benchmarks[0]].policy if benchmarks else "{}"
