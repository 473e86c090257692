"""From verdicts to counts: n and correct for every problem, and a tally of all verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from boundary.data.completeness import SampleGrid
from boundary.verification.verdict import PROGRAM_FAILURES, UNJUDGED, VERDICTS


def count_correct(
    shards: Iterable[pd.DataFrame], problem_ids: Sequence[str], n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count records, and a tally: verdict, samples, share, cut_off (of these, at the token cap).

    ``shards`` hold problem_id, sample_index, verdict and finish_reason; of each only its counts are kept.
    A sample that was never judged (timeout, error) is not a wrong one: it counts neither as correct nor
    in n. The tally shows it, and how programs failed where any did.

    Raises BoundaryError as boundary.data.completeness does, for the samples 0 ... n - 1.
    """
    grid = SampleGrid(problem_ids, range(n))
    judged, correct = (np.zeros(len(problem_ids), dtype=np.int64) for _ in range(2))
    samples, cut_off = Counter[str](), Counter[str]()
    for shard in shards:
        shard = shard[shard["sample_index"] < n]
        problems = grid.place(shard) // n
        verdicts = shard["verdict"]
        for counted, which in (
            (judged, ~verdicts.isin(UNJUDGED)),
            (correct, verdicts.eq("correct")),
        ):
            counted += np.bincount(problems[which], minlength=len(problem_ids))
        at_cap = shard["finish_reason"].eq("length")
        for tallied, found in ((samples, verdicts), (cut_off, verdicts[at_cap])):
            tallied.update({str(name): count for name, count in found.value_counts().items()})
    grid.check_full()
    counts = pd.DataFrame({"problem_id": list(problem_ids), "n": judged, "correct": correct})
    ran = any(samples[verdict] for verdict in PROGRAM_FAILURES)
    told = [verdict for verdict in VERDICTS if ran or verdict not in PROGRAM_FAILURES]
    tally = pd.DataFrame({"verdict": told, "samples": [samples[v] for v in told]})
    tally["share"] = tally["samples"] / tally["samples"].sum()
    return counts, tally.assign(cut_off=[cut_off[v] for v in told])
