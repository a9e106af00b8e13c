# Reference for training/optimizer/learning-rate.ts: the schedules of Hugging Face transformers. Writes
# learning_rate.json beside itself. Run with Python 3.11, torch 2.15.0, transformers 5.23.0:  python3 learning_rate.py
#
# For each case the learning rate of every step from 0 to the last, and the one after it: what the optimizer has
# before step(), scheduler.step() after it. `finalFraction` is min_lr_rate of get_cosine_with_min_lr_schedule_with_warmup.
import json
import pathlib

import torch
import transformers
from transformers import optimization

HERE = pathlib.Path(__file__).parent
assert torch.__version__.startswith("2.15.0"), torch.__version__
assert transformers.__version__ == "5.23.0", transformers.__version__

CASES = [
    {"kind": "cosine", "peak": 5e-5, "warmupSteps": 4, "totalSteps": 40, "finalFraction": 0},
    {"kind": "cosine", "peak": 3e-3, "warmupSteps": 0, "totalSteps": 17, "finalFraction": 0},
    {"kind": "cosine", "peak": 3e-3, "warmupSteps": 5, "totalSteps": 30, "finalFraction": 0.1},
    {"kind": "linear", "peak": 1e-3, "warmupSteps": 3, "totalSteps": 20, "finalFraction": 0},
    {"kind": "linear", "peak": 1e-3, "warmupSteps": 0, "totalSteps": 1, "finalFraction": 0},
    {"kind": "constant", "peak": 2e-4, "warmupSteps": 6, "totalSteps": 12, "finalFraction": 0},
    # nothing but warm-up
    {"kind": "cosine", "peak": 1.0, "warmupSteps": 8, "totalSteps": 8, "finalFraction": 0},
]


def rates(case):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=case["peak"])
    warmup, total = case["warmupSteps"], case["totalSteps"]
    if case["kind"] == "constant":
        scheduler = optimization.get_constant_schedule_with_warmup(optimizer, warmup)
    elif case["kind"] == "linear":
        scheduler = optimization.get_linear_schedule_with_warmup(optimizer, warmup, total)
    elif case["finalFraction"] == 0:
        scheduler = optimization.get_cosine_schedule_with_warmup(optimizer, warmup, total)
    else:
        scheduler = optimization.get_cosine_with_min_lr_schedule_with_warmup(
            optimizer, warmup, total, min_lr_rate=case["finalFraction"]
        )
    values = []
    for _ in range(total + 1):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


result = {"transformers": transformers.__version__, "cases": [{**case, "rates": rates(case)} for case in CASES]}
(HERE / "learning_rate.json").write_text(json.dumps(result) + "\n")
