"""A tiny Llama over bytes, trained on bundled statutes, for test/shared/lm/quantize/*.test.ts.

    python3 -m venv /tmp/tiny && /tmp/tiny/bin/pip install torch==2.15.0 safetensors numpy
    /tmp/tiny/bin/python test/reference/tiny_trained.py        # from the root; minutes on one core

Writes test/fixtures/tiny-trained/ (config.json, tokenizer.json, model.safetensors in bfloat16). Quantisation of
random weights says nothing of perplexity, so this model has learnt something: 2 layers, 66 thousand parameters,
tied head, one token a byte. It is trained on data/raw/law-md without the files that the tests measure on.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

TORCH = "2.15.0"
assert torch.__version__.startswith(TORCH), torch.__version__

HELD_OUT = ["한국은행법.md", "예금자보호법.md"]
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 256,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
STEPS, BATCH, LENGTH, RATE = 2500, 24, 256, 6e-3

torch.manual_seed(1)
torch.set_num_threads(1)
here = pathlib.Path(__file__).parent
root = here.parent.parent
everything = sorted((root / "data/raw/law-md").glob("*.md"))
files = [path for path in everything if path.name not in HELD_OUT]
assert len(files) == len(everything) - len(HELD_OUT)
data = torch.frombuffer(bytearray(b"\n".join(path.read_bytes() for path in files)), dtype=torch.uint8).long()
c = CONFIG
hidden, heads, kv, head = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]


def matrix(rows, columns):
    return torch.nn.Parameter(torch.randn(rows, columns) / math.sqrt(columns))


weights = {"model.embed_tokens.weight": torch.nn.Parameter(torch.randn(c["vocab_size"], hidden) * 0.5 / math.sqrt(hidden))}
for layer in range(c["num_hidden_layers"]):
    at = f"model.layers.{layer}."
    weights[at + "input_layernorm.weight"] = torch.nn.Parameter(torch.ones(hidden))
    weights[at + "post_attention_layernorm.weight"] = torch.nn.Parameter(torch.ones(hidden))
    for name, rows, columns in [
        ("self_attn.q_proj", heads * head, hidden),
        ("self_attn.k_proj", kv * head, hidden),
        ("self_attn.v_proj", kv * head, hidden),
        ("self_attn.o_proj", hidden, heads * head),
        ("mlp.gate_proj", c["intermediate_size"], hidden),
        ("mlp.up_proj", c["intermediate_size"], hidden),
        ("mlp.down_proj", hidden, c["intermediate_size"]),
    ]:
        weights[at + name + ".weight"] = matrix(rows, columns)
weights["model.norm.weight"] = torch.nn.Parameter(torch.ones(hidden))

frequency = c["rope_theta"] ** (-torch.arange(0, head, 2) / head)
angle = torch.arange(LENGTH)[:, None] * frequency  # [length, head / 2]
cos, sin = angle.cos(), angle.sin()


def norm(x, name):
    return F.rms_norm(x, (hidden,), weights[name], c["rms_norm_eps"])


def rotate(x):  # [batch, heads, length, head]
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def logits(ids):  # [batch, length] -> [batch, length, vocabulary]
    x = F.embedding(ids, weights["model.embed_tokens.weight"])
    batch, length = ids.shape
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        h = norm(x, at + "input_layernorm.weight")
        q, k, v = (
            F.linear(h, weights[f"{at}self_attn.{part}_proj.weight"]).view(batch, length, -1, head).transpose(1, 2)
            for part in "qkv"
        )
        a = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True, enable_gqa=True)
        x = x + F.linear(a.transpose(1, 2).reshape(batch, length, -1), weights[at + "self_attn.o_proj.weight"])
        h = norm(x, at + "post_attention_layernorm.weight")
        gate, up = (F.linear(h, weights[f"{at}mlp.{part}_proj.weight"]) for part in ("gate", "up"))
        x = x + F.linear(F.silu(gate) * up, weights[at + "mlp.down_proj.weight"])
    return F.linear(norm(x, "model.norm.weight"), weights["model.embed_tokens.weight"])


optimizer = torch.optim.AdamW(weights.values(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.05)
for step in range(STEPS):
    starts = torch.randint(len(data) - LENGTH - 1, (BATCH,))
    batch = torch.stack([data[start : start + LENGTH + 1] for start in starts])
    loss = F.cross_entropy(logits(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 100 == 0 or step == STEPS - 1:
        print(step, f"{loss.item() / math.log(2):.3f} bits per byte", flush=True)

# The alphabet of byte-level BPE (GPT-2): printable bytes stand for themselves, others for letters from U+0100 on.
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = {byte: chr(byte) for byte in printable}
others = [byte for byte in range(256) if byte not in letters]
letters |= {byte: chr(256 + i) for i, byte in enumerate(others)}
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
tokenizer = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": byte_level,
    "post_processor": None,
    "decoder": byte_level,
    "model": {"type": "BPE", "vocab": {letters[byte]: byte for byte in range(256)}, "merges": []},
}

out = root / "test/fixtures/tiny-trained"
out.mkdir(parents=True, exist_ok=True)
save_file({name: value.detach().bfloat16() for name, value in weights.items()}, out / "model.safetensors", {"format": "pt"})
(out / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
(out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n")
