# Reference logits for shared/lm: what Hugging Face transformers computes for the tiny checkpoints of
# test/fixtures/tiny-checkpoint.ts. Reads cases.json, writes logits.json beside itself.
# Run with Python 3.11, torch 2.15.0, transformers 5.23.0, numpy 2.4.6, on a CPU:  python3 logits.py
#
# The weights are made here by the same formula of their names (float32, rounded to the case's type, computed in
# float32), over the names and shapes that transformers has, so that nothing of ours is in the reference:
#   state = fnv1a32(name) xor 1; u = mulberry32(state), row-major; w = (2u - 1) * 0.25, in norms 1 + that
#
# For each case: one sequence of 40 tokens, the logits of every 13th position at every 37th entry of the vocabulary,
# and their logsumexp over the whole vocabulary; a batch of three sequences of unequal lengths, padded on the left
# as transformers does, the same of each last position; and greedy continuation of the first by 8 tokens.
import json
import pathlib

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
POSITIONS, COLUMNS = slice(0, None, 13), slice(0, None, 37)
torch.set_num_threads(1)
torch.set_grad_enabled(False)


def uniform(state, count):
    with np.errstate(over="ignore"):
        s = np.uint32(state) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (s ^ (s >> np.uint32(15))) * (s | np.uint32(1))
        mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
        mixed ^= mixed >> np.uint32(14)
    return mixed.astype(np.float64) / 2**32


def weights(name, shape, dtype):
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) % 2**32
    centre = 1.0 if name.endswith("norm.weight") else 0.0
    values = centre + (2 * uniform(state ^ 1, int(np.prod(shape))) - 1) * 0.25
    return torch.from_numpy(values.astype(np.float32)).reshape(shape).to(dtype).to(torch.float32)


def sample(logits):
    return {
        "logits": [[float(f"{x:.7g}") for x in row] for row in logits[:, COLUMNS].tolist()],
        "logSumExp": [float(f"{x:.7g}") for x in torch.logsumexp(logits, -1).tolist()],
    }


def reference(case):
    config = AutoConfig.for_model(**case["config"])
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    for name, parameter in model.named_parameters():
        parameter.copy_(weights(name, tuple(parameter.shape), getattr(torch, case["dtype"])))
    vocab = config.vocab_size
    tokens = [(i * 7919 + 13) % vocab for i in range(40)]
    rows = [[(i * 104729 + 7 * r + 1) % vocab for i in range(n)] for r, n in enumerate((5, 17, 12))]
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    batch = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1]
    greedy = list(tokens)
    for _ in range(8):
        greedy.append(int(model(torch.tensor([greedy])).logits[0, -1].argmax()))
    return {
        "tokens": tokens,
        "sequence": sample(model(torch.tensor([tokens])).logits[0, POSITIONS]),
        "rows": rows,
        "batch": sample(batch),
        "greedy": greedy[len(tokens):],
    }


cases = json.loads((HERE / "cases.json").read_text())
results = {case["name"]: reference(case) for case in cases}
(HERE / "logits.json").write_text(json.dumps(results, separators=(",", ":")) + "\n")
