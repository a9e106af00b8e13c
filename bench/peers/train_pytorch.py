#!/usr/bin/env python3
"""PyTorch as a peer of haetae's training: the same decoder, weights, batch, optimizer and threads, in eager mode.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0      # any 2.x from 2.6 on
    venv/bin/python bench/peers/train_pytorch.py SPEC               # started by bench/train-peer.ts

SPEC is JSON: {"file": a safetensors file with the weights by their Hugging Face names, LoRA's by PEFT's, and
"input_ids", "labels"; "rows", "length", "nLayer", "nHead", "nKvHead", "headDim", "rmsNormEps", "ropeTheta", "tied",
"threads"; "lora": null or {"r", "alpha"}; "learningRate", "beta1", "beta2", "epsilon", "weightDecay", "maxGradNorm"}.

Then each line of stdin is a command, answered by one line of JSON, so that contenders can take turns; while it waits
it sleeps.

    {"do": "steps", "count": 5, "precision": "highest"}   trains on: {"stepMs": [...], "losses": [...]}
    {"do": "gemm", "precision": "highest"}                {"gflops": best of several shapes, "shape": [...]}

As fast as eager PyTorch was found to be on this (one thread, 7M parameters, milliseconds of processor time a step):
q, k and v in one matrix, gate and up in another; scaled_dot_product_attention with is_causal; rotation as one roll and
one addcmul of q and k; AdamW(fused=True), 13 for 31 with foreach; the mean square of RMSNorm by vecdot, 830 for 870
with F.rms_norm, which is made of primitives on a processor; memory kept by malloc instead of given back after each
tensor, 870 for 930 (MALLOC_* in bench/train-peer.ts). No difference: cross-entropy in chunks, F.linear_cross_entropy,
flushing subnormal numbers, huge pages on top of kept memory. torch.compile needs a C++ compiler and is not eager: 765.
"""

import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(data, dtype=DTYPES[it["dtype"]], offset=it["data_offsets"][0], count=math.prod(it["shape"]))
        .reshape(it["shape"])
        .clone()
        for name, it in header.items()
    }


class Linear:
    """One matrix for all projections of the same input; their adapters, if any, are two products more."""

    def __init__(self, tensors, layer, names, lora):
        self.weight = torch.cat([tensors[f"{layer}.{name}.weight"] for name in names])
        self.trained = [self.weight]
        self.a = None
        if lora is not None:
            prefix = f"base_model.model.{layer}"
            self.scale = lora["alpha"] / lora["r"]
            self.a = torch.cat([tensors[f"{prefix}.{name}.lora_A.weight"] for name in names])
            self.b = [tensors[f"{prefix}.{name}.lora_B.weight"] for name in names]
            self.trained = [self.a, *self.b]

    def __call__(self, x):
        y = F.linear(x, self.weight)
        if self.a is None:
            return y
        b = self.b[0] if len(self.b) == 1 else torch.block_diag(*self.b)
        return torch.addmm(y, F.linear(x, self.a), b.T, alpha=self.scale)


class Decoder:
    def __init__(self, spec, tensors):
        self.spec = spec
        lora = spec["lora"]
        self.embedding = tensors["model.embed_tokens.weight"]
        self.head = self.embedding if spec["tied"] else tensors["lm_head.weight"]
        self.norm_weight = tensors["model.norm.weight"]
        self.layers = []
        self.trained = [] if lora else [self.embedding, self.norm_weight] + ([] if spec["tied"] else [self.head])
        for n in range(spec["nLayer"]):
            layer = f"model.layers.{n}"
            norms = [tensors[f"{layer}.{name}.weight"] for name in ("input_layernorm", "post_attention_layernorm")]
            linears = [
                Linear(tensors, f"{layer}.{module}", names, lora)
                for module, names in (
                    ("self_attn", ("q_proj", "k_proj", "v_proj")),
                    ("self_attn", ("o_proj",)),
                    ("mlp", ("gate_proj", "up_proj")),
                    ("mlp", ("down_proj",)),
                )
            ]
            self.layers.append((*norms, *linears))
            self.trained += [] if lora else norms
            self.trained += [tensor for linear in linears for tensor in linear.trained]
        for tensor in self.trained:
            tensor.requires_grad_(True)
        d = spec["headDim"]
        frequencies = spec["ropeTheta"] ** (-torch.arange(0, d, 2).float() / d)
        angles = torch.outer(torch.arange(spec["length"]).float(), frequencies)
        self.cos = torch.cat([angles.cos(), angles.cos()], -1)[:, None]
        self.sin = torch.cat([-angles.sin(), angles.sin()], -1)[:, None]

    def norm(self, x, weight):
        mean_square = torch.linalg.vecdot(x, x).mul(1 / x.shape[-1])
        return x * torch.rsqrt(mean_square.add(self.spec["rmsNormEps"])).unsqueeze(-1) * weight

    def rotate(self, x):  # [rows, length, heads, d]
        return torch.addcmul(x * self.cos, x.roll(x.shape[-1] // 2, -1), self.sin)

    def attention(self, qkv):
        spec = self.spec
        heads, kv, d = spec["nHead"], spec["nKvHead"], spec["headDim"]
        qkv = qkv.view(spec["rows"], spec["length"], heads + 2 * kv, d)
        qk, v = qkv.split([heads + kv, kv], 2)
        q, k = self.rotate(qk).split([heads, kv], 2)
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=kv != heads)
        return out.transpose(1, 2).reshape(-1, heads * d)

    def loss(self, ids, labels):
        x = F.embedding(ids, self.embedding)
        for norm1, norm2, qkv, output, gate_up, down in self.layers:
            x = x + output(self.attention(qkv(self.norm(x, norm1))))
            gate, up = gate_up(self.norm(x, norm2)).chunk(2, -1)
            x = x + down(F.silu(gate) * up)
        return F.cross_entropy(F.linear(self.norm(x, self.norm_weight), self.head), labels)


class Trainer:
    def __init__(self, spec):
        tensors = read_safetensors(spec["file"])
        self.ids, self.labels = tensors.pop("input_ids"), tensors.pop("labels")
        self.max_grad_norm = spec["maxGradNorm"]
        self.model = Decoder(spec, tensors)
        trained = self.model.trained
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in trained if p.ndim > 1], "weight_decay": spec["weightDecay"]},
                {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0},
            ],
            lr=spec["learningRate"],
            betas=(spec["beta1"], spec["beta2"]),
            eps=spec["epsilon"],
            fused=True,
        )

    def steps(self, count):
        times, losses = [], []
        for _ in range(count):
            started = time.perf_counter()
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.model.loss(self.ids, self.labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.trained, self.max_grad_norm)
            self.optimizer.step()
            losses.append(loss.item())
            times.append(1000 * (time.perf_counter() - started))
        return {"stepMs": times, "losses": losses}


def gemm():
    best = {"gflops": 0.0}
    for m, n, k in ((2048, 2048, 2048), (2048, 8192, 256), (1024, 4096, 1024)):
        a, b = torch.randn(m, k), torch.randn(n, k)
        times = []
        for _ in range(7):
            started = time.perf_counter()
            F.linear(a, b)
            times.append(time.perf_counter() - started)
        gflops = 2 * m * n * k / statistics.median(times) / 1e9
        if gflops > best["gflops"]:
            best = {"gflops": gflops, "shape": [m, n, k]}
    return best


def main():
    spec = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(spec["threads"])
    trainer = Trainer(spec)
    parameters = sum(p.numel() for p in trainer.model.trained)
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "trained": parameters}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        torch.set_float32_matmul_precision(command["precision"])
        answer = trainer.steps(command["count"]) if command["do"] == "steps" else gemm()
        print(json.dumps(answer), flush=True)


main()
