# Reference for training/: what PyTorch makes of tiny decoders that are trained for a few steps.
# Writes one JSON file for each case beside itself (llama-tied.json, ...), for test/training/reference/.
# Run with Python 3.11, torch 2.15.0, transformers 5.23.0, numpy 2.4.6, on a CPU:  python3 tiny_llama.py
#
# The models and the schedule are those of transformers (attention "eager"), AdamW, clipping and the cross-entropy
# PyTorch's; masks and LoRA's low-rank terms are written out here. Nothing of haetae is in it. Everything is float32.
#
# Weights are the formula of their names that test/fixtures/tiny-checkpoint.ts and transformers/logits.py have too:
#   state = fnv1a32(name) xor 1; u = mulberry32(state), row-major; w = float32((2u - 1) * 0.25), in norms 1 + that
#
# A batch is 4 rows of 16 tokens. Documents are packed: a token sees its own document only. Row 0 is one document,
# row 1 has two, row 2 three, row 3 one whose first tokens are a prompt (not trained on), then padding that sees only
# itself. The last token of a document predicts nothing. Positions for RoPE are places in the row.
import base64
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, get_cosine_with_min_lr_schedule_with_warmup

HERE = pathlib.Path(__file__).parent
VOCAB, ROWS, LENGTH, BATCHES = 64, 4, 16, 4
PEAK, WARMUP, FINAL_FRACTION = 5e-3, 3, 0.1
BETAS, EPSILON, DECAY, MAX_NORM = (0.9, 0.95), 1e-8, 0.1, 2.0
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

SMALL = {
    "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": VOCAB, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
}  # fmt: skip
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "rope_theta": 10000.0, **SMALL}
QWEN = {"rope_theta": 1000000.0, "tie_word_embeddings": True, **SMALL}
CASES = {
    "llama-tied": {
        "steps": 20,
        "config": {**LLAMA, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2,
                   "head_dim": 16, "tie_word_embeddings": True},
    },
    "llama-untied": {"steps": 20, "config": {**LLAMA, "tie_word_embeddings": False}},
    # every bias, and a window on the second layer
    "qwen2": {
        "steps": 5,
        "config": {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "use_sliding_window": True,
                   "sliding_window": 4, "max_window_layers": 1, **QWEN},
    },
    # a norm on every head of q and k
    "qwen3": {
        "steps": 5,
        "config": {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 16, **QWEN},
    },
    "llama-lora": {
        "steps": 5,
        "config": {**LLAMA, "tie_word_embeddings": True},
        "lora": {"r": 4, "alpha": 8, "targets": TARGETS},
    },
}  # fmt: skip


def uniform(state, count):
    with np.errstate(over="ignore"):
        s = np.uint32(state) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        mixed = (s ^ (s >> np.uint32(15))) * (s | np.uint32(1))
        mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
        mixed ^= mixed >> np.uint32(14)
    return mixed.astype(np.float64) / 2**32


def weights(name, shape):
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) % 2**32
    centre = 1.0 if name.endswith("norm.weight") else 0.0
    values = centre + (2 * uniform(state ^ 1, int(np.prod(shape))) - 1) * 0.25
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def documents(random):
    """The lengths of the documents of each row; what is left of the last row is padding."""
    first = int(random.integers(3, 13))
    second = sorted(int(cut) for cut in random.choice(np.arange(3, 14), 2, replace=False))
    return [[16], [first, 16 - first], [second[0], second[1] - second[0], 16 - second[1]], [int(random.integers(8, 14))]]


def make_batch(random):
    ids = np.zeros((ROWS, LENGTH), np.int64)
    labels = np.zeros((ROWS, LENGTH), np.int64)
    mask = np.zeros((ROWS, LENGTH), np.int64)
    visible_from = np.tile(np.arange(LENGTH), (ROWS, 1))
    for row, lengths in enumerate(documents(random)):
        at = 0
        for length in lengths:
            # a rule with exceptions, so that there is something to learn and something left to be wrong about
            start, stride = random.integers(1, VOCAB), random.integers(1, 4)
            tokens = 1 + (start + stride * np.arange(length)) % (VOCAB - 1)
            noisy = random.random(length) < 0.1
            tokens[noisy] = random.integers(1, VOCAB, noisy.sum())
            ids[row, at : at + length] = tokens
            labels[row, at : at + length - 1] = tokens[1:]
            mask[row, at : at + length - 1] = 1
            visible_from[row, at : at + length] = at
            at += length
    mask[3, :3] = 0  # a prompt of four tokens: the last of them predicts the answer's first
    return {"inputIds": ids, "labels": labels, "mask": mask, "visibleFrom": visible_from}


def attention_masks(batch, config):
    """What is added to the scores, [rows, 1, length, length]; one for each kind of layer where there are two."""
    query = torch.arange(LENGTH)[:, None]
    key = torch.arange(LENGTH)[None, :]
    seen = (key <= query) & (key >= torch.from_numpy(batch["visibleFrom"])[:, :, None])
    minus = torch.finfo(torch.float32).min
    added = lambda allowed: torch.where(allowed, 0.0, minus)[:, None]
    if not getattr(config, "use_sliding_window", False):
        return added(seen)
    return {"full_attention": added(seen), "sliding_attention": added(seen & (key > query - config.sliding_window))}


class LowRank(torch.nn.Module):
    """y = W x + b + (alpha / r) B A x, with W and b frozen."""

    def __init__(self, name, linear, r, alpha):
        super().__init__()
        self.linear, self.scale = linear, alpha / r
        self.lora_A = torch.nn.Parameter(weights(f"{name}.lora_A.weight", (r, linear.in_features)))
        self.lora_B = torch.nn.Parameter(weights(f"{name}.lora_B.weight", (linear.out_features, r)))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_A.T @ self.lora_B.T)


def make_model(case):
    fields = dict(case["config"])
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(fields.pop("model_type"), **fields), attn_implementation="eager"
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights(name, tuple(parameter.shape)))
    model.train()
    lora = case.get("lora")
    if lora is None:
        return model, dict(model.named_parameters())
    model.requires_grad_(False)
    trained = {}
    for name, module in list(model.named_modules()):
        if name.split(".")[-1] in lora["targets"]:
            parent = model.get_submodule(name.rpartition(".")[0])
            adapted = LowRank(name, module, lora["r"], lora["alpha"])
            setattr(parent, name.split(".")[-1], adapted)
            trained[f"{name}.lora_A.weight"] = adapted.lora_A
            trained[f"{name}.lora_B.weight"] = adapted.lora_B
    return model, trained


def loss_of(model, batch):
    logits = model(
        input_ids=torch.from_numpy(batch["inputIds"]),
        attention_mask=attention_masks(batch, model.config),
        position_ids=torch.arange(LENGTH)[None].expand(ROWS, -1),
        use_cache=False,
    ).logits
    labels = torch.from_numpy(np.where(batch["mask"] == 1, batch["labels"], -100))
    return F.cross_entropy(logits.reshape(-1, VOCAB), labels.reshape(-1), ignore_index=-100)


def packed(tensor):
    return base64.b64encode(tensor.detach().numpy().astype("<f4").tobytes()).decode()


def check_masks(model, batch):
    """A document must not feel another one: change the first of row 1, and the second's logits stay."""
    with torch.no_grad():
        run = lambda ids: model(
            input_ids=torch.from_numpy(ids), attention_mask=attention_masks(batch, model.config),
            position_ids=torch.arange(LENGTH)[None].expand(ROWS, -1), use_cache=False).logits
        changed = batch["inputIds"].copy()
        changed[1, 0] = 1 + changed[1, 0] % (VOCAB - 1)
        moved = (run(batch["inputIds"]) - run(changed)).abs().amax(-1)[1]
        start = int(batch["visibleFrom"][1, -1])
        assert moved[:start].min() > 0 and moved[start:].max() == 0, moved


def train(case, batches):
    model, trained = make_model(case)
    check_masks(model, batches[0])
    decayed = [p for p in trained.values() if p.ndim > 1]
    kept = [p for p in trained.values() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0.0}],
        lr=PEAK, betas=BETAS, eps=EPSILON,
    )  # fmt: skip
    result = {"losses": [], "gradNorms": [], "learningRates": [], "gradients": {}}
    schedule = get_cosine_with_min_lr_schedule_with_warmup(
        optimizer, WARMUP, case["steps"], min_lr_rate=FINAL_FRACTION
    )
    for step in range(case["steps"]):
        optimizer.zero_grad()
        loss = loss_of(model, batches[step % BATCHES])
        loss.backward()
        if step == 0:
            result["gradients"] = {name: packed(p.grad) for name, p in trained.items()}
        result["losses"].append(loss.item())
        result["gradNorms"].append(torch.nn.utils.clip_grad_norm_(list(trained.values()), MAX_NORM).item())
        result["learningRates"].append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    result["finalNorms"] = {name: p.detach().double().norm().item() for name, p in trained.items()}
    with torch.no_grad():
        result["finalLoss"] = loss_of(model, batches[0]).item()
    return result


torch.set_num_threads(1)
random = np.random.default_rng(5)
batches = [make_batch(random) for _ in range(BATCHES)]
for name, case in CASES.items():
    result = {
        "about": f"tiny_llama.py, torch {torch.__version__}, transformers {transformers.__version__}, numpy {np.__version__}",
        "config": case["config"],
        **({"lora": case["lora"]} if "lora" in case else {}),
        "rows": ROWS,
        "length": LENGTH,
        "optimizer": {"beta1": BETAS[0], "beta2": BETAS[1], "epsilon": EPSILON, "weightDecay": DECAY, "maxGradNorm": MAX_NORM},
        "schedule": {"kind": "cosine", "peak": PEAK, "warmupSteps": WARMUP, "totalSteps": case["steps"], "finalFraction": FINAL_FRACTION},
        "batches": [{key: value.reshape(-1).tolist() for key, value in batch.items()} for batch in batches],
        **train(case, batches),
    }
    clipped = sum(norm > MAX_NORM for norm in result["gradNorms"])
    print(f"{name}: loss {result['losses'][0]:.4f} to {result['losses'][-1]:.4f}, {clipped} of {case['steps']} steps clipped")
    (HERE / f"{name}.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
