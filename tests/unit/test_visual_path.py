"""Problems with pictures through the stages: sampled, scored and trained on, and what goes wrong."""

import copy
import gc
import io
import json
import shutil
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from boundary.cli import main
from boundary.data.model_record import ModelRecord, read_model_record, write_model_record
from boundary.data.provenance import questions_digest
from boundary.data.records import read_provenance, read_records, write_records
from boundary.errors import BoundaryError
from boundary.images.batches import seeing
from boundary.images.processing import (
    ImageProcessor,
    PixelLimits,
    ProcessedImage,
    load_image_processor,
)
from boundary.images.shown import show_images
from boundary.miniature.picture_problems import draw_picture_problems
from boundary.miniature.pictures import CELLS, draw_picture
from boundary.miniature.problems import draw_problems
from boundary.sampling.encoding import Encoding
from boundary.sampling.prompts import Template
from boundary.sampling.transformers_engine import MAX_ROWS
from boundary.training.architecture import build_image_processor, build_vision_language_model
from boundary.training.documents import IGNORED, length_sorted_batches
from boundary.training.kept_progress import KeptProgress
from boundary.training.pretrain import pictured_corpus
from pictures import SEEING, encoded, visual_problems
from PIL import Image
from trainings import RLVR

TEMPLATE = "t: <|vision_start|><|image_pad|><|vision_end|>{question}\n"
PRETRAIN = {
    "seed": 1,
    "architecture": SEEING,
    "corpus": {"world": "pictures", "operands": [2, 2], "habits": {"precedence": 1.0}},
    "steps": 12,
    "batch_size": 8,
    "learning_rate": 0.01,
}


FINETUNE = {
    "seed": 1,
    "corpus": {"operands": [2, 2], "habits": {"precedence": 1.0}},
    "documents": 16,
    "steps": 2,
    "batch_size": 8,
    "learning_rate": 0.001,
}


@pytest.fixture
def cell(tmp_path, seeing_checkpoint):
    (tmp_path / "prompts.yaml").write_text(TEMPLATE)
    write_model_record(tmp_path / "model.json", ModelRecord("m", "r", seeing_checkpoint))
    write(tmp_path, visual_problems())
    return tmp_path


def write(folder, problems):
    write_records(
        folder / "problems.parquet", "problem", problems, {"benchmark": "v", "protocol": 1}
    )


def sample(folder, output="samples.parquet", **options):
    given = {
        "model": folder / "model.json",
        "problems": folder / "problems.parquet",
        "template": "t",
        "prompts": folder / "prompts.yaml",
        "temperature": 1,
        "top-p": 1,
        "max-tokens": 12,
        "shard-size": 6,
        "threads": 1,
        "output": folder / output,
    } | options
    return main(["sample", *(f"--{key}={value}" for key, value in given.items())])


def test_each_sample_is_as_likely_behind_its_own_picture_as_it_was_drawn(cell):
    assert sample(cell) == 0
    posed = [f"--problems={cell / 'problems.parquet'}", f"--prompts={cell / 'prompts.yaml'}"]
    scorer = ["score", f"--scorer={cell / 'model.json'}", "--template=t", "--threads=1", *posed]
    samples = f"--samples={cell / 'samples.parquet'}"
    assert main([*scorer, samples, f"--output={cell / 'scores.parquet'}"]) == 0
    drawn = read_records(cell / "samples.parquet", "sample")
    both = drawn.merge(
        read_records(cell / "scores.parquet", "score"), on=["problem_id", "sample_index"]
    )
    scored = both[both["nll_sum"].notna()]
    assert len(scored) >= 0.8 * len(drawn) and len(drawn) == 24
    assert np.allclose(scored["logprob_sum"], -scored["nll_sum"], atol=1e-3)
    (attempt,) = read_provenance(cell / "samples.parquet")["attempts"]
    assert len({image[0]["sha256"] for image in attempt["images"].values()}) == 4
    assert attempt["max_pixels"] == 16 * 28 * 28 and "pillow" in attempt["versions"]


def test_other_pictures_are_other_questions(cell, capsys):
    assert sample(cell) == 0
    problems = visual_problems()
    before = questions_digest(problems)
    problems.at[2, "images"] = (encoded(77),)
    assert questions_digest(problems) != before
    assert questions_digest(problems.assign(images=None)) not in (
        before,
        questions_digest(problems),
    )
    write(cell, problems)
    scorer = ["score", f"--scorer={cell / 'model.json'}", "--template=t", "--threads=1"]
    posed = [f"--problems={cell / 'problems.parquet'}", f"--prompts={cell / 'prompts.yaml'}"]
    samples = f"--samples={cell / 'samples.parquet'}"
    assert main([*scorer, *posed, samples, f"--output={cell / 'scores.parquet'}"]) == 1
    assert "its questions are not those of" in capsys.readouterr().err


def test_a_picture_is_processed_once_for_all_its_samples_and_batches(cell, monkeypatch):
    done = []
    process = ImageProcessor.process
    monkeypatch.setattr(
        ImageProcessor, "process", lambda self, image: done.append(image) or process(self, image)
    )
    assert (
        sample(cell, **{"shard-size": MAX_ROWS + 9, "max-tokens": 2}) == 0
    )  # two batches a problem
    assert len(done) == 4 == len(set(done))


def test_no_more_pictures_are_in_memory_than_have_room(cell, monkeypatch):
    most, process = [], ImageProcessor.process

    def spy(self, image):
        """What is in memory once a picture more is."""
        made = process(self, image)
        alive = [each for each in gc.get_objects() if type(each) is ProcessedImage]
        most.append(
            sum(each.patches.nbytes for each in alive if each is not made) + made.patches.nbytes
        )
        return made

    monkeypatch.setattr(ImageProcessor, "process", spy)
    assert sample(cell) == 0
    together = max(most)
    room = together // 2
    monkeypatch.setattr("boundary.sampling.transformers_engine.IMAGE_BYTES", room)
    most.clear()
    assert sample(cell, "again.parquet", seed=2) == 0
    assert len(most) == 4 and max(most) <= room


def test_limits_of_pixels_are_the_models_and_make_other_samples(cell):
    assert sample(cell) == 0
    assert sample(cell, "small.parquet", **{"max-pixels": 6 * 28 * 28}) == 0
    one, other = (read_provenance(cell / name) for name in ("samples.parquet", "small.parquet"))
    assert one["shard_seed"] != other["shard_seed"] and other["max_pixels"] == 6 * 28 * 28
    for images in other["attempts"][0]["images"].values():
        assert images[0]["tokens"] <= 6


def test_pictures_of_another_size_are_another_prompt(cell, capsys):
    limits = {"max-pixels": 6 * 28 * 28}
    assert sample(cell) == sample(cell, "small.parquet", **limits) == 0
    scorer = ["score", f"--scorer={cell / 'model.json'}", "--template=t", "--threads=1"]
    posed = [f"--problems={cell / 'problems.parquet'}", f"--prompts={cell / 'prompts.yaml'}"]
    output, small = f"--output={cell / 'scores.parquet'}", cell / "small.parquet"
    assert main([*scorer, *posed, f"--samples={small}", output]) == 1
    told = capsys.readouterr().err
    assert f"{small}: its pictures were sampled with max_pixels 4704" in told
    assert main([*scorer, *posed, f"--samples={small}", output, "--max-pixels=4704"]) == 0


BAD = {
    "damaged": (b"\x89PNG\r\n\x1a\n and no more", "that are no image of"),
    "truncated": (encoded(1)[:-2000], "a damaged image"),
    "a bomb": (None, "at most"),
    "too narrow": (encoded(1, (7000, 20)), "problem v/2: a picture of 7000 x 20 pixels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_picture_is_one_message_and_no_file(cell, capsys, kind):
    problems = visual_problems()
    image, message = BAD[kind]
    problems.at[2, "images"] = (image or _bomb(),)
    write(cell, problems)
    assert sample(cell) == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("boundary sample: problem v/2: ") and message in told
    assert not (cell / "samples.parquet").exists()


def _bomb() -> bytes:
    """A PNG whose header alone says 100,000 x 100,000."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


def test_the_miniatures_pictures_differ_in_all_but_their_cells():
    rng = np.random.default_rng(1)
    drawn = [draw_picture("3+4*2", rng) for _ in range(40)]
    assert len(set(drawn)) == 40
    again = np.random.default_rng(1)
    assert [draw_picture("3+4*2", again) for _ in range(40)] == drawn
    sizes, papers = set(), set()
    for picture in drawn:
        image = Image.open(io.BytesIO(picture))
        sizes.add(image.size)
        papers.add(int(np.median(np.asarray(image))))
        assert image.size[0] == 28 * CELLS
    assert len(sizes) > 5 and len(papers) > 20
    with pytest.raises(BoundaryError, match="has room for 5; ask for fewer operands"):
        draw_picture("3+4*2-1", rng)


def test_picture_problems_are_the_expressions_of_their_partition():
    problems = draw_picture_problems("p", (3, 3), 20, "test", 1)
    about = [json.loads(meta) for meta in problems["meta"]]
    expressions = {meta["expression"] for meta in about}
    assert len(expressions) == 20 and set(problems["question"]) == {"?"}
    assert len({images[0] for images in problems["images"]}) == 20
    values = [eval(meta["expression"]) for meta in about]  # digits and + - * alone
    assert [json.loads(gold) for gold in problems["gold"]] == list(map(str, values))
    trained = draw_picture_problems("p", (3, 3), 200, "train", 1)
    assert not expressions & {json.loads(meta)["expression"] for meta in trained["meta"]}


def train(folder, kind, recipe, name="trained", **options):
    given = {
        "name": "m",
        kind: json.dumps(recipe),
        "template": "t",
        "prompts": folder / "prompts.yaml",
        "metrics": folder / name / "metrics.csv",
        "output": folder / name / "model.json",
        "threads": 1,
    } | options
    return main(["models", *(f"--{key}={value}" for key, value in given.items())])


def test_a_model_that_is_trained_on_pictures_can_be_sampled(cell):
    assert train(cell, "pretrain", PRETRAIN, "base") == 0
    losses = pd.read_csv(cell / "base/metrics.csv")["loss"]
    assert losses.iloc[-3:].mean() < 0.8 * losses.iloc[0]
    problems = draw_picture_problems("v", (2, 2), 8, "train", 1)
    write(cell, problems)
    recipe = RLVR | {"problems": "v", "steps": 2, "max_tokens": 20, "algorithm": "grpo"}
    given = {"base": cell / "base/model.json", "problems": cell / "problems.parquet"}
    assert train(cell, "rlvr", recipe, "rl", **given) == 0
    before, after = (
        read_model_record(cell / name / "model.json").checkpoint for name in ("base", "rl")
    )
    assert (after / "preprocessor_config.json").read_text() == (
        before / "preprocessor_config.json"
    ).read_text()
    assert sample(cell, model=cell / "rl/model.json") == 0
    assert len(read_records(cell / "samples.parquet", "sample")) == 8 * 6


def test_a_training_makes_pictures_as_large_as_its_model_is_shown_them(
    cell, seeing_checkpoint, monkeypatch
):
    shown = []
    process = ImageProcessor.process

    def watched(self, encoded):
        shown.append(self.limits)
        return process(self, encoded)

    monkeypatch.setattr(ImageProcessor, "process", watched)
    recipe = RLVR | {"problems": "v", "steps": 1, "max_tokens": 4, "algorithm": "grpo"}
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    limits = {"min_pixels": 2 * 28 * 28, "max_pixels": 4 * 28 * 28}
    options = {"min-pixels": limits["min_pixels"], "max-pixels": limits["max_pixels"]}
    assert train(cell, "rlvr", recipe, "rl", **given, **options) == 0
    assert shown and all(one == limits for one in shown)
    # And so is whoever takes the checkpoint alone.
    assert sample(cell, model=cell / "rl/model.json") == 0
    made = read_provenance(cell / "samples.parquet")["attempts"][0]
    assert {name: made[name] for name in limits} == limits


def test_a_model_of_texts_is_not_trained_on_pictures(cell, random_checkpoint, capsys):
    write_model_record(cell / "texts.json", ModelRecord("t", "r", random_checkpoint))
    (cell / "prompts.yaml").write_text('t: "{question}="\n')
    recipe = RLVR | {"problems": "v", "steps": 2}
    given = {"base": cell / "texts.json", "problems": cell / "problems.parquet"}
    assert train(cell, "rlvr", recipe, "rl", **given) == 1
    assert (
        "problem v/0: has a picture, and the model to train reads none" in capsys.readouterr().err
    )


@pytest.mark.parametrize("kind", ["rlvr", "finetune"])
def test_nothing_is_learned_behind_a_place_for_a_picture_that_is_not_there(cell, kind, capsys):
    write(cell, draw_problems("v", (2, 2), 8, "train", 1))
    recipe = {
        "rlvr": RLVR | {"problems": "v", "steps": 1},
        "finetune": FINETUNE,
    }[kind]
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    assert train(cell, kind, recipe, "trained", **given) == 1
    told = capsys.readouterr().err
    assert "its prompt has 1 places for pictures, and the problem has 0" in told
    assert not (cell / "trained/checkpoint").exists()


def base_with(cell, checkpoint, file):
    """The cell's model, whose image processor is told of by ``file`` alone; its folder."""
    base = shutil.copytree(checkpoint, cell / "base")
    settings = json.loads((base / "preprocessor_config.json").read_text())
    (base / "preprocessor_config.json").unlink()
    if file == "processor_config.json":
        settings = {"image_processor": settings, "processor_class": "Qwen2_5_VLProcessor"}
    (base / file).write_text(json.dumps(settings))
    write_model_record(cell / "model.json", ModelRecord("m", "r", base))
    return base


@pytest.mark.parametrize("kind", ["rlvr", "finetune"])
@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_a_training_on_texts_leaves_the_image_processor_as_it_is(
    cell, seeing_checkpoint, kind, file
):
    base = base_with(cell, seeing_checkpoint, file)
    (cell / "prompts.yaml").write_text('t: "{question}="\n')
    write(cell, draw_problems("v", (2, 2), 8, "train", 1))
    recipe = {"rlvr": RLVR | {"problems": "v", "steps": 1}, "finetune": FINETUNE}[kind]
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    assert train(cell, kind, recipe, "trained", **given) == 0
    trained = cell / "trained/checkpoint"
    assert (trained / file).read_bytes() == (base / file).read_bytes()
    assert load_image_processor(trained, PixelLimits()).limits["max_pixels"] == 16 * 28 * 28


def test_a_training_on_pictures_keeps_a_processor_that_any_file_tells_of(cell, seeing_checkpoint):
    base_with(cell, seeing_checkpoint, "processor_config.json")
    recipe = RLVR | {"problems": "v", "steps": 1, "max_tokens": 4, "algorithm": "grpo"}
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    assert train(cell, "rlvr", recipe, "rl", **given) == 0
    assert sample(cell, model=cell / "rl/model.json") == 0


def test_a_damaged_image_processor_is_told_before_the_first_step(cell, seeing_checkpoint, capsys):
    base = base_with(cell, seeing_checkpoint, "preprocessor_config.json")
    (base / "preprocessor_config.json").write_text('{"size":')
    recipe = RLVR | {"problems": "v", "steps": 1, "max_tokens": 4, "algorithm": "grpo"}
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    assert train(cell, "rlvr", recipe, "rl", **given) == 1
    told = capsys.readouterr().err
    assert f"{base}: its image processor cannot be loaded" in told and "Traceback" not in told


@pytest.mark.parametrize(("limits", "kept"), [({}, 1), ({"max-pixels": 4 * 28 * 28}, 0)])
def test_a_training_goes_on_from_none_of_other_pixel_limits(cell, monkeypatch, limits, kept):
    recipe = RLVR | {"problems": "v", "steps": 3, "max_tokens": 4, "algorithm": "grpo"}
    given = {"base": cell / "model.json", "problems": cell / "problems.parquet"}
    monkeypatch.setattr("boundary.training.kept_progress.SECONDS_BETWEEN", 0)
    save = KeptProgress.save

    def killed(self, learners, metrics, drawn):
        save(self, learners, metrics, drawn)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(KeptProgress, "save", killed)
        assert train(cell, "rlvr", recipe, "rl", **given) == 130
    loaded = []
    load = KeptProgress.load

    def noted(self, learners):
        metrics, drawn = load(self, learners)
        loaded.append(len(metrics))
        return metrics, drawn

    monkeypatch.setattr(KeptProgress, "load", noted)
    assert train(cell, "rlvr", recipe, "rl", **given, **limits) == 0
    assert loaded == [kept]


def test_a_checkpoint_without_a_generation_config_ends_where_its_text_model_does(
    cell, seeing_checkpoint, seeing_tokenizer
):
    bare = shutil.copytree(seeing_checkpoint, cell / "bare")
    (bare / "generation_config.json").unlink()
    config = json.loads((bare / "config.json").read_text())
    config.pop("eos_token_id", None)
    others = seeing_tokenizer.bos_token_id
    config["text_config"]["eos_token_id"] = others
    (bare / "config.json").write_text(json.dumps(config))
    assert set(Encoding(bare).end_token_ids(None)) == {others, seeing_tokenizer.eos_token_id}


def test_a_document_of_pictures_is_learned_from_its_answer_on(seeing_tokenizer):
    model = build_vision_language_model(seeing_tokenizer, **SEEING, seed=1)
    shown = show_images(model)
    template = Template("<|vision_start|><|image_pad|><|vision_end|>{question}")
    documents = pictured_corpus(
        PRETRAIN, template, seeing_tokenizer, build_image_processor(), shown
    )
    batch = next(length_sorted_batches(documents, 4, seeing_tokenizer.pad_token_id, pooled=2))
    vocabulary = len(seeing_tokenizer)
    seen = set(batch.token_ids[batch.token_ids >= vocabulary].tolist())
    assert seen == {vocabulary + number for number in batch.images} and len(seen) == 4
    learned = batch.targets[batch.targets != IGNORED]
    assert int(learned.max()) < vocabulary
    first = [row[row != IGNORED] for row in batch.targets]
    for row in first:
        text = seeing_tokenizer.decode(row, skip_special_tokens=True)
        expression, *steps = text.split(" ")[0].split("=")
        assert eval(expression) == int(steps[-1]) and text.endswith(f"\\boxed{{{steps[-1]}}}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"corpus": PRETRAIN["corpus"] | {"world": "arithmetic"}},
            "found vision, which models that",
        ),
        (
            {"architecture": {k: v for k, v in SEEING.items() if k != "vision"}},
            "needs vision, which",
        ),
    ],
)
def test_vision_is_for_pictures_alone(cell, capsys, change, message):
    assert train(cell, "pretrain", PRETRAIN | change, "none") == 1
    assert f"pretrain.architecture: {message}" in capsys.readouterr().err


def test_nothing_is_fine_tuned_on_pictures(cell, capsys):
    tuned = {"seed": 1, "steps": 2, "batch_size": 2, "learning_rate": 0.01, "documents": 4}
    recipe = tuned | {"corpus": PRETRAIN["corpus"]}
    assert train(cell, "finetune", recipe, "none", base=cell / "model.json") == 1
    assert "corpus.world: found pictures, on which nothing is fine-tuned" in capsys.readouterr().err


def test_an_expression_must_fit_its_picture(cell, capsys):
    corpus = PRETRAIN["corpus"] | {"operands": [2, 4]}
    assert train(cell, "pretrain", PRETRAIN | {"corpus": corpus}, "none") == 1
    assert "corpus.operands: found [2, 4]; a picture has room for 3" in capsys.readouterr().err


def test_pictures_do_not_touch_the_identity_of_texts(cell, random_checkpoint):
    write(cell, draw_problems("v", (2, 3), 4, "test", 1))
    (cell / "prompts.yaml").write_text('t: "{question}="\n')
    write_model_record(cell / "model.json", ModelRecord("m", "r", random_checkpoint))
    assert sample(cell) == 0
    assert sample(cell, "limited.parquet", **{"max-pixels": 999}) == 0
    one, other = (read_provenance(cell / name) for name in ("samples.parquet", "limited.parquet"))
    assert one["shard_seed"] == other["shard_seed"] and "max_pixels" not in other


def test_what_a_training_cannot_keep_or_place_is_named(cell, seeing_model, monkeypatch):
    problems = visual_problems()
    processor = build_image_processor()
    see = seeing(copy.deepcopy(seeing_model), processor)
    assert [see(name, images) for name, images in problems[["problem_id", "images"]].to_numpy()] == [
        (0,), (1,), (2,), (3,)
    ]  # fmt: skip
    with pytest.raises(BoundaryError, match="problem v/9: a damaged image"):
        see("v/9", (encoded(1)[:-2000],))
    monkeypatch.setattr("boundary.images.batches.MOST_BYTES", 10)
    with pytest.raises(
        BoundaryError, match="problem v/8: with its pictures those to train on take more"
    ):
        see("v/8", (encoded(1),))


def test_other_kinds_of_models_are_not_shown_pictures(seeing_model):
    model = copy.deepcopy(seeing_model)
    model.config.model_type = "qwen3_vl"
    with pytest.raises(
        BoundaryError, match=r"a model of type qwen3_vl; .* It can be sampled with vllm"
    ):
        show_images(model)
