"""
A Llama in plain PyTorch, with the names, shapes and folder of Hugging Face: the decoder of training/model/decoder.ts.

    x = E[ids];  for each layer:  x += o(attention(q, k, v of norm(x)));  x += down(silu(gate(norm(x))) * up(norm(x)))
    logits = norm(x) Eᵀ, or with a head of its own

The residual stream is float32; under autocast matrix products are bfloat16.
"""

import hashlib
import json
import math
import os
import re
import shutil
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

STD = 0.02
SIDE_FILES = re.compile(
    r"(tokenizer|tokenizer_config|special_tokens_map|added_tokens)\.json|chat_template\.(jinja|json)"
    r"|(licen[cs]e|notice|copying|readme|use_policy).*",
    re.IGNORECASE,
)


def config_of(shape, vocab_size, row_length, eos):
    """config.json of `model.shape` of a run file; the defaults are those of training/model/llama-config.ts."""
    hidden, heads = shape["hiddenSize"], shape["nHead"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocab_size,
        "hidden_size": hidden,
        "intermediate_size": shape.get("intermediateSize") or math.ceil(8 * hidden / 3 / 64) * 64,
        "num_hidden_layers": shape["nLayer"],
        "num_attention_heads": heads,
        "num_key_value_heads": shape.get("nKvHead") or heads,
        "head_dim": shape.get("headDim") or hidden // heads,
        "hidden_act": "silu",
        "max_position_embeddings": shape.get("maxPositions") or row_length,
        "rms_norm_eps": shape.get("rmsNormEps", 1e-5),
        "rope_theta": shape.get("ropeTheta", 10_000),
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0,
        "initializer_range": STD,
        "tie_word_embeddings": shape.get("tiedHead", True),
        "bos_token_id": None,
        "eos_token_id": eos,
        "torch_dtype": "float32",
        "use_cache": True,
    }


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        x = x.float()
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, self.dim = config["hidden_size"], config["head_dim"]
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        self.q_proj = nn.Linear(hidden, self.heads * self.dim, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.dim, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.dim, hidden, bias=False)

    def forward(self, x, rotation, mask):
        rows, length, _ = x.shape
        cut = lambda y, heads: y.view(rows, length, heads, self.dim).transpose(1, 2)  # [rows, heads, length, dim]
        q = rotated(cut(self.q_proj(x), self.heads), rotation)
        k, v = rotated(cut(self.k_proj(x), self.kv_heads), rotation), cut(self.v_proj(x), self.kv_heads)
        shared = self.heads // self.kv_heads
        k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, -1))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        norm = lambda: RmsNorm(config["hidden_size"], config["rms_norm_eps"])
        self.input_layernorm, self.self_attn = norm(), Attention(config)
        self.post_attention_layernorm, self.mlp = norm(), Mlp(config)

    def forward(self, x, rotation, mask):
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = RmsNorm(config["hidden_size"], config["rms_norm_eps"])


class Llama(nn.Module):
    """Weights begin as training/model/decoder-parameters.ts says, from a stream of random numbers for each tensor."""

    def __init__(self, config, seed):
        super().__init__()
        self.config, self.model = config, Decoder(config)
        tied = config["tie_word_embeddings"]
        self.lm_head = None if tied else nn.Linear(config["hidden_size"], config["vocab_size"], bias=False)
        residual = STD / math.sqrt(2 * config["num_hidden_layers"])
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
                random = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
                std = residual if name.endswith(("o_proj.weight", "down_proj.weight")) else STD
                nn.init.normal_(parameter, std=std, generator=random)

    def forward(self, ids, visible_from):
        """Logits [rows, length, vocabulary] of int64 [rows, length] each; a token sees from `visible_from` on."""
        place = torch.arange(ids.shape[1], device=ids.device)
        mask = (place <= place[:, None]) & (place >= visible_from[:, :, None])  # [rows, query, key]
        rotation = rotation_of(place, self.config["head_dim"], self.config["rope_theta"])
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, rotation, mask[:, None])
        head = self.model.embed_tokens if self.lm_head is None else self.lm_head
        return F.linear(self.model.norm(x), head.weight)


def rotation_of(place, dim, theta):
    """Cosines and sines, each [length, dim]; both halves of a head have the same."""
    frequency = theta ** (-torch.arange(0, dim, 2, dtype=torch.float64, device=place.device) / dim)
    angle = place[:, None] * frequency
    return tuple(torch.cat([part, part], -1).float() for part in (angle.cos(), angle.sin()))


def rotated(x, rotation):
    cos, sin = rotation
    first, second = x.chunk(2, -1)
    return (x * cos + torch.cat([-second, first], -1) * sin).to(x.dtype)


def load_folder(folder, seed):
    """A model to go on from: a Llama of one safetensors file, without scaled rotation or biases."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    rope = config.pop("rope_parameters", None) or config.get("rope_scaling") or {}
    kind, theta = rope.get("rope_type", "default"), rope.get("rope_theta", config.get("rope_theta", 10_000))
    if config.get("model_type") != "llama" or kind != "default" or config.get("attention_bias") or config.get("mlp_bias"):
        raise SystemExit(f"{folder}: only a Llama without rope scaling and biases can be gone on from here.")
    heads = config["num_attention_heads"]
    own = {
        "num_key_value_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or config["hidden_size"] // heads,
        "rms_norm_eps": config.get("rms_norm_eps", 1e-6),
        "tie_word_embeddings": bool(config.get("tie_word_embeddings")),
    }
    model = Llama({**config, **own, "rope_theta": theta, "rope_scaling": None, "torch_dtype": "float32"}, seed)
    tensors = load_file(folder / "model.safetensors")
    if model.lm_head is None:
        tensors.pop("lm_head.weight", None)
    model.load_state_dict(tensors)
    return model


def save_folder(model, tokenizer_folder, folder):
    """A new folder, complete or not at all."""
    folder = Path(folder)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in Path(tokenizer_folder).iterdir():
        if SIDE_FILES.fullmatch(file.name) and file.is_file():
            shutil.copyfile(file, partial / file.name)
    ends = {key: model.config[key] for key in ("bos_token_id", "eos_token_id")}
    for name, content in (("config", model.config), ("generation_config", ends)):
        (partial / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    tensors = {name: tensor.float().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
    (partial / "model.safetensors").chmod(0o644)
    partial.rename(folder)
