"""Pictures in rows of token ids, against the library's own way of showing them to a model."""

import copy

import pytest
import torch
from boundary.errors import BoundaryError
from boundary.images.batches import ImageBatches
from boundary.images.placing import Pictured
from boundary.images.processing import PixelLimits, load_image_processor
from boundary.images.shown import show_images
from boundary.sampling.decoding import decode
from boundary.sampling.encoding import Encoding
from boundary.sampling.engine import Request, SamplingParameters
from boundary.training.likelihood import likelihood
from boundary.training.value_network import ValueNetwork
from pictures import PROMPT, SHAPES, encoded

ENCODED = [encoded(number, shape) for number, shape in enumerate(SHAPES)]
PARAMETERS = SamplingParameters(temperature=1.0, top_p=1.0, max_tokens=12)


@pytest.fixture
def processor(seeing_checkpoint):
    return load_image_processor(seeing_checkpoint, PixelLimits())


@pytest.fixture
def model(seeing_model):
    return copy.deepcopy(seeing_model)


def prompt_ids(tokenizer):
    return tokenizer(PROMPT)["input_ids"]


def by_the_library(model, tokenizer, processor, image):
    """What the library is given to show one picture."""
    written, placeholder = prompt_ids(tokenizer), model.config.image_token_id
    processed = processor.process(image)
    tokens = len(processed.patches) // 4
    ids = [each for t in written for each in ([t] * tokens if t == placeholder else [t])]
    ids = torch.tensor([ids])
    return {
        "input_ids": ids,
        "mm_token_type_ids": (ids == placeholder).int(),
        "pixel_values": processed.patches,
        "image_grid_thw": torch.tensor([processed.grid]),
    }


def shown_rows(model, tokenizer, processor):
    """A prompt's tokens for each of the pictures."""
    shown = show_images(model)
    shown.show(map(processor.process, ENCODED))
    return [shown.write(prompt_ids(tokenizer), [number]) for number in range(len(ENCODED))]


@torch.inference_mode()
def test_each_row_is_read_as_the_library_reads_its_picture(model, seeing_tokenizer, processor):
    given = [by_the_library(model, seeing_tokenizer, processor, image) for image in ENCODED]
    expected = [model(**one).logits[0] for one in given]
    rows = shown_rows(model, seeing_tokenizer, processor)
    assert len({len(row) for row in rows}) > 2
    padded = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = torch.tensor(row)
    read = model(input_ids=padded, use_cache=False).logits
    for at, (row, logits) in enumerate(zip(rows, expected, strict=True)):
        torch.testing.assert_close(read[at, : len(row)], logits, atol=1e-4, rtol=1e-4)
    other = model(input_ids=torch.tensor([rows[0][:-1] + rows[1][-1:]])).logits[0, -1]
    assert (read[1, len(rows[1]) - 1] - other).abs().max() > 0.1  # the picture matters


def test_rows_of_several_pictures_are_decoded_as_the_library_generates(
    model, seeing_tokenizer, processor
):
    expected = []
    for image in ENCODED:
        given = by_the_library(model, seeing_tokenizer, processor, image)
        length = given["input_ids"].shape[1]
        made = model.generate(**given, max_new_tokens=10, do_sample=False, eos_token_id=2)
        expected.append(made[0, length:].tolist())
    rows = shown_rows(model, seeing_tokenizer, processor)
    uniforms = [torch.zeros(2, 10)] * len(rows)
    steps = decode(model, rows, uniforms, temperature=0.0, top_p=1.0, end_ids=[2])
    decoded = {row.row: row.token_ids for finished in steps for row in finished}
    assert len(set(map(tuple, expected))) > 1
    assert [decoded[2 * at] for at in range(len(rows))] == expected
    assert [decoded[2 * at + 1] for at in range(len(rows))] == expected


def test_two_pictures_in_a_prompt_stay_in_their_order(model, seeing_tokenizer, processor):
    shown = show_images(model)
    shown.show(map(processor.process, ENCODED))
    written = seeing_tokenizer(PROMPT + PROMPT)["input_ids"]
    with torch.inference_mode():
        one, other, same = (
            model(input_ids=torch.tensor([shown.write(written, numbers)])).logits[0, -1]
            for numbers in ([0, 1], [1, 0], [0, 0])
        )
    assert (one - other).abs().max() > 1e-2 and (one - same).abs().max() > 1e-2
    with pytest.raises(BoundaryError, match="2 places for pictures, and the problem has 1 of them"):
        shown.write(written, [0])


def test_copies_and_value_networks_see_the_same(model, seeing_tokenizer, processor):
    rows = torch.tensor([shown_rows(model, seeing_tokenizer, processor)[1] + [5, 6]])
    mask = torch.ones(1, rows.shape[1] - 1)
    again = copy.deepcopy(model)
    with torch.inference_mode():
        assert torch.equal(model(input_ids=rows).logits, again(input_ids=rows).logits)
    values = ValueNetwork(model)
    torch.nn.init.normal_(values.head.weight)
    first = values(rows, mask)
    model.shown_images.show([processor.process(ENCODED[0]), processor.process(encoded(9))])
    assert not torch.allclose(values(rows, mask)[:, 5:], first[:, 5:])


def test_what_is_learned_reaches_the_vision_tower(model, seeing_tokenizer, processor):
    rows = shown_rows(model, seeing_tokenizer, processor)
    token_ids = torch.tensor([rows[1] + [5, 6, 2]] * 2)
    mask = torch.zeros(2, token_ids.shape[1] - 1)
    mask[:, len(rows[1]) - 1 :] = 1
    scores = likelihood(model, token_ids, mask)
    with torch.no_grad():
        logits = model(input_ids=token_ids[:, :-1]).logits.log_softmax(-1)
    at = len(rows[1]) - 1
    expected = logits[0, range(at, at + 3), [5, 6, 2]]
    torch.testing.assert_close(scores.log_probability[0, at:], expected, atol=1e-5, rtol=0)
    (scores.log_probability * mask).sum().backward()
    weight = model.model.visual.patch_embed.proj.weight
    assert weight.grad is not None and weight.grad.abs().max() > 0


def test_a_picture_is_processed_once_while_it_is_asked_for(model, seeing_tokenizer, processor):
    done = []
    process = processor.process
    processor.process = lambda image: done.append(image) or process(image)
    batches = ImageBatches(model, lambda: processor)
    written = prompt_ids(seeing_tokenizer)
    asked = [
        (written, Pictured(f"p{n}", written, (ENCODED[n],), (str(n),))) for n in range(len(ENCODED))
    ]
    first = batches.read(asked[:2] * 3)
    assert first[:2] * 2 == first[2:] and first[0] != first[1]
    batches.read(asked[1:3])
    assert done == ENCODED[:3]
    assert batches.read([(written, None)]) == [written]
    batches.read(asked[:1])
    assert done == [*ENCODED[:3], ENCODED[0]]  # and not kept for ever
    damaged = Pictured("broken", written, (ENCODED[0][:90],), ("x",))
    with pytest.raises(BoundaryError, match="problem broken: a damaged image"):
        batches.read([(written, damaged)])


def request(images, prompt=PROMPT, name="v/7"):
    return Request(name, prompt, (0,), images=tuple(images))


def test_a_prompt_holds_as_many_tokens_as_the_processor_makes(seeing_checkpoint, processor):
    encoding = Encoding(seeing_checkpoint)
    for image in ENCODED:
        (prompt,) = encoding.encode([request([image], name=str(image[:50]))], PARAMETERS)
        tokens = len(processor.process(image).patches) // 4
        assert prompt.token_ids.count(encoding.config.image_token_id) == tokens
        assert prompt.pictured.written_ids.count(encoding.config.image_token_id) == 1
        (facts,) = encoding.measure(prompt.request)
        assert facts.tokens == tokens
        assert facts.processed_size[0] * facts.processed_size[1] == tokens * 28 * 28
    assert encoding.images_record["max_pixels"] == 16 * 28 * 28
    assert len(encoding.images_record["images"]) == len(ENCODED)
    small = Encoding(seeing_checkpoint, pixel_limits=PixelLimits(max_pixels=4 * 28 * 28))
    (prompt,) = small.encode([request([ENCODED[2]])], PARAMETERS)
    assert prompt.token_ids.count(small.config.image_token_id) <= 4


@pytest.mark.parametrize(
    ("images", "prompt", "message"),
    [
        ([], PROMPT, "problem v/7: its prompt has 1 places for pictures, and the problem has 0 of"),
        (
            ENCODED[:2],
            PROMPT,
            "problem v/7: its prompt has 1 places .* has 2 of them; take a prompt",
        ),
        (ENCODED[:1], "?", "problem v/7: its prompt has 0 places for pictures"),
        (ENCODED[:1], PROMPT + "<|image_pad|>", "has 2 places for pictures, .* no question does"),
        ([b"GIF89a"], PROMPT, "problem v/7: .* that are no image of"),
        (
            ENCODED[:2],
            "<|image_pad|><|image_pad|>?",
            "problem v/7: its prompt has pictures with nothing",
        ),
        ([encoded(1, (6000, 20))], PROMPT, "problem v/7: a picture of 6000 x 20 pixels: "),
    ],
)
def test_pictures_that_do_not_fit_are_one_message(seeing_checkpoint, images, prompt, message):
    with pytest.raises(BoundaryError, match=message):
        Encoding(seeing_checkpoint).encode([request(images, prompt)], PARAMETERS)


def test_a_picture_that_exceeds_the_context_is_named(seeing_checkpoint):
    encoding = Encoding(seeing_checkpoint, 15)
    with pytest.raises(
        BoundaryError,
        match=r"problem v/7: its prompt has \d+ tokens, \d+ of them of pictures, .* max_pixels",
    ):
        encoding.encode([request([encoded(1, (400, 400))])], PARAMETERS)


def test_a_model_of_texts_is_shown_no_picture(random_checkpoint):
    with pytest.raises(BoundaryError, match="the model reads no pictures"):
        Encoding(random_checkpoint).encode([request([ENCODED[0]], "1+2=")], PARAMETERS)
    (prompt,) = Encoding(random_checkpoint).encode([request([], "1+2=")], PARAMETERS)
    assert prompt.pictured is None
