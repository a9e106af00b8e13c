# Reference for training/optimizer: 20 steps of PyTorch's AdamW, with and without clipping. Writes adamw.json beside
# itself. Run with Python 3.11, torch 2.15.0, numpy 2.4.6, on a CPU:  python3 adamw.py
#
# Everything is float32. Weights and gradients are the formula of their names that test/fixtures/tiny-checkpoint.ts has:
#   state = fnv1a32(name) xor 1; u = mulberry32(state), row-major; w = float32((2u - 1) * 0.25)
# Weights are those of the parameter's name; the gradient of step s (0 to 19) is that of "name.s", times a power of two
# that goes through [-6, 4], so that clipping acts on some steps only. From step 5 on the table's row 2 gets no gradient.
import json
import pathlib

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
assert torch.__version__.startswith("2.15.0"), torch.__version__
torch.set_num_threads(1)

STEPS = 20
SHAPES = {"matrix.weight": [5, 7], "bias": [3], "table.weight": [4, 9]}
DECAYED = ["matrix.weight", "table.weight"]
PEAK = 1e-2
CASES = {
    "clipped": {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weightDecay": 0.1, "maxGradNorm": 1.0},
    "unclipped": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0.01, "maxGradNorm": None},
    "large epsilon": {"beta1": 0.8, "beta2": 0.99, "epsilon": 0.1, "weightDecay": 0.5, "maxGradNorm": 0.25},
    "no moments, no decay": {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-6, "weightDecay": 0.0, "maxGradNorm": None},
}


def uniform(state, count):
    with np.errstate(over="ignore"):
        s = np.uint32(state) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (s ^ (s >> np.uint32(15))) * (s | np.uint32(1))
        mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
        mixed ^= mixed >> np.uint32(14)
    return mixed.astype(np.float64) / 2**32


def formula(name, shape):
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) % 2**32
    values = (2 * uniform(state ^ 1, int(np.prod(shape))) - 1) * 0.25
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def gradient(name, step):
    values = formula(f"{name}.{step}", SHAPES[name]) * 2.0 ** (step * 7 % 11 - 6)
    if name == "table.weight" and step >= 5:
        values[2] = 0
    return values


def flat(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().reshape(-1).tolist()]


def run(options):
    parameters = {name: torch.nn.Parameter(formula(name, shape)) for name, shape in SHAPES.items()}
    groups = [
        {"params": [parameters[name] for name in SHAPES if name in DECAYED], "weight_decay": options["weightDecay"]},
        {"params": [parameters[name] for name in SHAPES if name not in DECAYED], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=PEAK, betas=(options["beta1"], options["beta2"]), eps=options["epsilon"], foreach=False
    )
    limit = options["maxGradNorm"]
    norms, after = [], {}
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = gradient(name, step)
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), limit or float("inf"))))
        for group in optimizer.param_groups:
            group["lr"] = PEAK * (1 - step / STEPS)
        optimizer.step()
        if step + 1 in (1, STEPS):
            after[step + 1] = {name: flat(parameter) for name, parameter in parameters.items()}
    moments = {
        key: {name: flat(optimizer.state[parameter][torch_key]) for name, parameter in parameters.items()}
        for key, torch_key in (("firstMoments", "exp_avg"), ("secondMoments", "exp_avg_sq"))
    }
    return {"options": options, "gradNorms": [float(f"{x:.9g}") for x in norms], "parameters": after, **moments}


result = {
    "torch": torch.__version__.split("+")[0],
    "steps": STEPS,
    "peak": PEAK,
    "shapes": SHAPES,
    "decayed": DECAYED,
    "cases": {name: run(options) for name, options in CASES.items()},
}
(HERE / "adamw.json").write_text(json.dumps(result) + "\n")
