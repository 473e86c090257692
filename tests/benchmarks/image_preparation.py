"""What pictures cost: preparing many large ones, and samples a second where each is prepared once.

    python tests/benchmarks/image_preparation.py --images 1000
    python tests/benchmarks/image_preparation.py --sampling results/miniature-visual

The first draws JPEGs and PNGs of 1 to 4 megapixels, looks at their headers and processes them one after
the other with Qwen2.5-VL's own limits, as sampling does. The second samples the miniature's base on its
pictures by two engines in turn: one as it is, and one that prepares a picture anew for every sample.
"""

from __future__ import annotations

import argparse
import io
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from boundary.images.processing import ImageProcessor
from PIL import Image, ImageFilter

MEGAPIXELS = (1.0, 4.0)


def draw(number: int) -> bytes:
    """A picture that compresses about as a photograph does: smoothed noise, a JPEG or a PNG in turn."""
    rng = np.random.default_rng(number)
    pixels, aspect = rng.uniform(*MEGAPIXELS) * 1e6, rng.uniform(0.6, 1.6)
    width, height = int((pixels * aspect) ** 0.5), int((pixels / aspect) ** 0.5)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width, height)).filter(ImageFilter.GaussianBlur(2))
    written = io.BytesIO()
    picture.save(written, *(("JPEG",) if number % 2 else ("PNG",)))
    return written.getvalue()


def peak_megabytes() -> float:
    """Of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare(count: int, max_pixels: int) -> None:
    """Time and memory of looking at ``count`` pictures, and of processing each."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = ImageProcessor(Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=max_pixels))
    encoded = [
        draw(number) for number in range(min(count, 40))
    ]  # the same again: they are not cached
    before = peak_megabytes()
    started = time.perf_counter()
    facts = [processor.measure(encoded[n % len(encoded)]) for n in range(count)]
    looked = time.perf_counter()
    tokens = 0
    for n in range(count):
        tokens += len(processor.process(encoded[n % len(encoded)]).patches) // 4
    done = time.perf_counter()
    assert tokens == sum(each.tokens for each in facts)
    size, each = sum(map(len, encoded)) / len(encoded) / 1e6, (done - looked) / count * 1e3
    print(
        f"{count} pictures of {size:.2f} MB, {tokens / count:.0f} tokens each: headers "
        f"{looked - started:.2f} s, processed {done - looked:.1f} s ({each:.0f} ms each), peak "
        f"{peak_megabytes():.0f} MB, of which {before:.0f} MB before"
    )


def sample(results: Path, problems: int, samples: int) -> None:
    """Samples a second with a picture prepared once a problem, and once a sample, in turn."""
    import torch
    from boundary.data.records import read_records
    from boundary.sampling.engine import EngineSettings, SamplingParameters
    from boundary.sampling.posing import posed
    from boundary.sampling.prompts import load_template
    from boundary.sampling.transformers_engine import TransformersEngine

    class PreparingEach(TransformersEngine):
        """Prepares a prompt's pictures anew for each of its samples but the first."""

        def _sample_batch(self, batch, parameters, seed):
            for prompt in batch:
                for _ in prompt.request.sample_indices[1:]:
                    for encoded in prompt.request.images:
                        self.encoding.image_processor.process(encoded)
            return super()._sample_batch(batch, parameters, seed)

    torch.set_num_threads(1)
    records = read_records(results / "benchmarks/arith-visual/problems.parquet", "problem")
    template = load_template(Path("config/prompts.yaml"), "mini-visual")
    asked = [
        replace(request, sample_indices=tuple(range(samples)))
        for request in posed(records.head(problems), template)
    ]
    parameters = SamplingParameters(temperature=1.0, top_p=1.0, max_tokens=64)
    checkpoint = results / "models/mini-vl-base/checkpoint"
    engines = [
        kind(checkpoint, EngineSettings(gpus=0)) for kind in (TransformersEngine, PreparingEach)
    ]
    for _ in range(3):
        rates = []
        for engine in engines:
            started = time.perf_counter()
            drawn = sum(map(len, engine.sample(asked, parameters, seed=1)))
            rates.append(drawn / (time.perf_counter() - started))
        once, each = rates
        print(
            f"once a problem {once:.0f} samples/s, once a sample {each:.0f}; ratio {once / each:.1f}"
        )


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, metavar="N", help="prepare so many pictures")
    parser.add_argument("--max-pixels", type=int, default=12_845_056, help="default: Qwen2.5-VL's")
    parser.add_argument(
        "--sampling", type=Path, metavar="RESULTS", help="of study miniature-visual"
    )
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--samples", type=int, default=128, help="of each problem")
    arguments = parser.parse_args()
    if arguments.images:
        prepare(arguments.images, arguments.max_pixels)
    if arguments.sampling:
        sample(arguments.sampling, arguments.problems, arguments.samples)


if __name__ == "__main__":
    main()
