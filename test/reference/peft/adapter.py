# A reference adapter for training/model: one written by PEFT, and the logits of the model with it. Writes adapter/
# (adapter_config.json, adapter_model.safetensors) and logits.json beside itself.
# Run with Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2, accelerate 1.15.0, numpy 2.4.6, on a CPU:
#   python3 adapter.py
#
# The base is the tiny qwen2 checkpoint of test/fixtures/tiny-checkpoint.ts (seed 1, float32), whose weights are the
# formula of their names in ../transformers/logits.py. The adapter's A are PEFT's own initial ones, its B are made
# normal with a deviation of 0.1, so that it does something.
#
# logits.json: tokens, and the logits of every 5th position at every 37th entry of the vocabulary, without the
# adapter and with it.
import json
import pathlib

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
POSITIONS, COLUMNS = slice(0, None, 5), slice(0, None, 37)
torch.set_num_threads(1)
torch.set_grad_enabled(False)
torch.manual_seed(20251122)

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
}


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


def sample(logits):
    return [[float(f"{x:.7g}") for x in row] for row in logits[0, POSITIONS, COLUMNS].tolist()]


config = AutoConfig.for_model(**CONFIG)
model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
for name, parameter in model.named_parameters():
    parameter.copy_(weights(name, tuple(parameter.shape)))
tokens = torch.tensor([[(i * 7919 + 13) % config.vocab_size for i in range(24)]])
base = sample(model(tokens).logits)

lora = LoraConfig(
    r=4,
    lora_alpha=6,
    lora_dropout=0.05,
    target_modules=["q_proj", "v_proj", "gate_proj", "down_proj"],
    task_type="CAUSAL_LM",
)
adapted = get_peft_model(model, lora).eval()
for name, parameter in adapted.named_parameters():
    if "lora_B" in name:
        parameter.copy_(0.1 * torch.randn(parameter.shape))
adapted.save_pretrained(HERE / "adapter")
(HERE / "adapter" / "README.md").unlink(missing_ok=True)
result = {"tokens": tokens[0].tolist(), "base": base, "adapted": sample(adapted(tokens).logits)}
(HERE / "logits.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
