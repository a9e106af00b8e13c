"""
`haetae train pretrain` for those who own a GPU: the same run file, tokens, batches, architecture, loss, optimizer and
schedule, in PyTorch. README.md beside this file says how to run it, and what it was held against.

    python training/gpu/pretrain.py RUN.yaml [--size 30m] [--compile] [--resume]

A new model begins with other random numbers than ours of the same seed; with `model.from` the losses are the same too.
"""

import argparse
import contextlib
import hashlib
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml

from llama import Llama, config_of, load_folder, save_folder
from packed_rows import TEXT_END, TURN_END, Corpus, PackedRows, open_tokenizer

SIZES = json.loads(Path(__file__).with_name("sizes.json").read_text("utf-8"))
OPTIMIZER = {
    "learningRate": 3e-4, "schedule": "cosine", "warmupFraction": 0.02, "finalFraction": 0.1, "beta1": 0.9, "beta2": 0.95,
    "epsilon": 1e-8, "weightDecay": 0.1, "maxGradNorm": 1,
}  # fmt: skip
# Of the run file, what has no meaning here: it is about threads and kernels of a processor.
IGNORED = {"threads", "kernels", "matmulPrecision", "memory", "divergence"}


def read_run(arguments):
    """The run file with its defaults (training/run/run-file-schema.ts), and what the command line says over it."""
    run = yaml.safe_load(Path(arguments.run).read_text("utf-8"))
    known = {"program", "output", "seed", "steps", "epochs", "accumulate", "optimizer", "evaluation", "checkpoint", "model",
             "tokenizer", "data", *IGNORED}  # fmt: skip
    if run.get("program") != "pretrain" or set(run) - known:
        raise SystemExit(f"{arguments.run} is no run file of pretrain: {', '.join(sorted(set(run) - known)) or 'program'}.")
    data = {"validation": [], "validationFraction": 0.05, "textDocuments": "file", **run["data"]}
    run = {
        "seed": 1, "accumulate": 1, "tokenizer": {}, **run, "data": data,
        "optimizer": {**OPTIMIZER, **run.get("optimizer", {})},
        "evaluation": {"everySteps": 100, "batches": 50, **run.get("evaluation", {})},
        "checkpoint": {"everySteps": 100, **run.get("checkpoint", {})},
    }  # fmt: skip
    if arguments.size:
        run["model"] = {"shape": SIZES[arguments.size]}
    for name in ("output", "accumulate", "steps"):
        if getattr(arguments, name) is not None:
            run[name] = getattr(arguments, name)
    if arguments.rows is not None:
        data["rows"] = arguments.rows
    if arguments.learning_rate is not None:
        run["optimizer"]["learningRate"] = arguments.learning_rate
    if ("steps" in run) == ("epochs" in run) and arguments.steps is None:
        raise SystemExit("Give either steps or epochs.")
    return run


def tokenizer_folder(run):
    folder = run["tokenizer"].get("from") or run["model"].get("from") or f"{run['output']}/tokenizer"
    if not Path(folder, "tokenizer.json").exists():
        raise SystemExit(
            f"{folder} has no tokenizer.json. Let `haetae train pretrain` learn one (a run of one step will do), and name "
            "its folder OUTPUT/tokenizer as tokenizer.from."
        )
    return folder


def new_or_loaded(run, tokenizer):
    if "from" in run["model"]:
        return load_folder(run["model"]["from"], run["seed"])
    shape, length = run["model"]["shape"], run["data"]["length"]
    return Llama(config_of(shape, tokenizer.get_vocab_size(), length, [TURN_END, TEXT_END]), run["seed"])


def read_rows(run, tokenizer):
    """Rows to train on, and to measure on or None."""
    data, seed = run["data"], run["seed"]
    corpus = Corpus(data["train"], tokenizer, data["textDocuments"])
    every = np.arange(len(corpus.ids))
    packed = lambda source, examples: PackedRows(source, examples, data["length"], seed)
    if data["validation"]:
        held = Corpus(data["validation"], tokenizer, data["textDocuments"])
        return packed(corpus, every), packed(held, np.arange(len(held.ids)))
    if not data["validationFraction"]:
        return packed(corpus, every), None
    training, held = corpus.split(data["validationFraction"], seed)
    if not len(training) or not len(held):
        raise SystemExit("data.validationFraction leaves no document for training, or none for validation.")
    return packed(corpus, training), packed(corpus, held)


def learning_rate_at(run, total, step):
    """Before step `step`, from 0: training/optimizer/learning-rate.ts."""
    peak, kind, final = (run["optimizer"][name] for name in ("learningRate", "schedule", "finalFraction"))
    warmup = math.floor(run["optimizer"]["warmupFraction"] * total + 0.5)
    if step < warmup:
        return peak * step / warmup
    progress = min(1, (step - warmup) / max(1, total - warmup))
    left = {"cosine": 0.5 * (1 + math.cos(math.pi * progress)), "linear": 1 - progress, "constant": 1}[kind]
    return peak if kind == "constant" else peak * (final + (1 - final) * left)


def adamw(model, run, device):
    """Decay for matrices, none for norms."""
    parameters = list(model.parameters())
    settings = run["optimizer"]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings["weightDecay"]},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    betas = (settings["beta1"], settings["beta2"])
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=settings["epsilon"], fused=device.type == "cuda")


class Trainer:
    def __init__(self, run, arguments):
        self.run, self.device = run, torch.device(arguments.device)
        self.dtype = getattr(torch, arguments.dtype)
        self.tokenizer_folder = tokenizer_folder(run)
        tokenizer = open_tokenizer(self.tokenizer_folder)
        self.training, self.held = read_rows(run, tokenizer)
        self.model = new_or_loaded(run, tokenizer).to(self.device)
        self.forward = torch.compile(self.model) if arguments.compile else self.model
        self.optimizer = adamw(self.model, run, self.device)
        rows_per_step = run["data"]["rows"] * run["accumulate"]
        self.total = run.get("steps") or max(1, math.ceil(run["epochs"] * self.training.rows_per_pass / rows_per_step))
        self.output = Path(run["output"])
        self.step, self.tokens, self.seconds = 0, 0, 0.0

    def tensors(self, batch):
        tensors = (torch.from_numpy(part) for part in batch)
        if self.device.type != "cuda":
            return tuple(tensors)
        return tuple(tensor.pin_memory().to(self.device, non_blocking=True) for tensor in tensors)

    def loss(self, batch, tokens):
        """Its share of the mean over so many tokens."""
        ids, labels, visible_from = self.tensors(batch)
        mixed = torch.autocast(self.device.type, torch.bfloat16) if self.dtype == torch.bfloat16 else contextlib.nullcontext()
        with mixed:
            logits = self.forward(ids, visible_from)
        flat = logits.float().flatten(0, 1)
        return F.cross_entropy(flat, labels.flatten(), ignore_index=-100, reduction="sum") / tokens

    def make_step(self):
        """One optimizer step; what metrics.jsonl says of it."""
        started = time.perf_counter()
        batches = [self.training.deal(self.run["data"]["rows"]) for _ in range(self.run["accumulate"])]
        tokens = sum(int((labels >= 0).sum()) for _, labels, _ in batches)
        rate = learning_rate_at(self.run, self.total, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for batch in batches:
            share = self.loss(batch, tokens)
            share.backward()
            loss += share.detach()
        most = self.run["optimizer"]["maxGradNorm"]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), math.inf if most is None else most)
        loss, norm = float(loss), float(norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"Step {self.step + 1}: loss {loss}, gradient norm {norm}"
            raise SystemExit(f"{what}. The last checkpoint is kept; train anew with a lower learning rate.")
        self.optimizer.step()
        took = time.perf_counter() - started
        self.step, self.tokens, self.seconds = self.step + 1, self.tokens + tokens, self.seconds + took
        return {
            "step": self.step, "epoch": self.training.epoch, "tokens": self.tokens, "loss": loss, "gradNorm": norm,
            "learningRate": rate, "tokensPerSecond": tokens / took, "seconds": self.seconds,
        }  # fmt: skip

    @torch.no_grad()
    def validate(self):
        """Mean loss over the first batches of the documents that are held out."""
        batches = list(self.held.fair_sample(self.run["data"]["rows"], self.run["evaluation"]["batches"]))
        tokens = sum(int((labels >= 0).sum()) for _, labels, _ in batches)
        loss = sum(float(self.loss(batch, tokens)) for batch in batches)
        return {"step": self.step, "validationLoss": loss, "validationTokens": tokens, "seconds": self.seconds}

    @property
    def checkpoint(self):
        return self.output / "checkpoint.pt"

    def fingerprint(self):
        """Of settings and data: a checkpoint of others is not gone on from."""
        free = IGNORED | {"evaluation", "checkpoint", "output"}
        settings = {name: value for name, value in self.run.items() if name not in free}
        corpus = self.training.corpus
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        digest.update(corpus.tokens.tobytes() + corpus.offsets.tobytes())
        return digest.hexdigest()

    def save_checkpoint(self):
        partial = self.checkpoint.with_suffix(f".{os.getpid()}.partial")
        state = {
            "fingerprint": self.fingerprint(), "step": self.step, "tokens": self.tokens, "seconds": self.seconds,
            "position": self.training.position, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def resume(self):
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if state["fingerprint"] != self.fingerprint():
            raise SystemExit(f"{self.checkpoint} is of other settings or data. Put them back, or run without --resume.")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.training.position = tuple(state["position"])
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]

    def train(self, log_every):
        """Returns whether all steps were made; on an interrupt the step in work is finished and a checkpoint made."""
        stop = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _: (stop.append(received), signal.signal(received, signal.SIG_DFL)))
        evaluate_every, save_every = self.run["evaluation"]["everySteps"], self.run["checkpoint"]["everySteps"]
        metrics = self.output / "metrics.jsonl"
        lines = metrics.read_text("utf-8").splitlines() if self.step and metrics.exists() else []
        with metrics.open("w", encoding="utf-8") as log:
            write = lambda entry: print(json.dumps(entry), file=log, flush=True)
            for line in lines:
                if json.loads(line)["step"] <= self.step:
                    print(line, file=log)
            while self.step < self.total and not stop:
                entry = self.make_step()
                write(entry)
                last = self.step == self.total
                if last or self.step % log_every == 0:
                    print(progress_line(entry, self.total), flush=True)
                if self.held and (last or evaluate_every and self.step % evaluate_every == 0):
                    write(measured := self.validate())
                    print(f"validation at step {self.step}: loss {measured['validationLoss']:.4f}", flush=True)
                if last or stop or save_every and self.step % save_every == 0:
                    self.save_checkpoint()
        return self.step == self.total


def progress_line(entry, total):
    step, speed = entry["step"], entry["tokensPerSecond"]
    left = int((total - step) * entry["seconds"] / step)
    return (
        f"step {step}/{total}  loss {entry['loss']:.4f}  norm {entry['gradNorm']:.2f}  rate {entry['learningRate']:.2e}  "
        f"pass {entry['epoch']:.2f}  {speed:,.0f} tokens/s  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
    )


def main(argv=None):
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description="Pretrains a language model by a run file of `haetae train pretrain`.")
    parser.add_argument("run", help="run file, YAML; paths in it start at the working folder")
    parser.add_argument("--size", choices=SIZES, help="a shape of sizes.json in place of the run file's model")
    parser.add_argument("--output", help="in place of the run file's, as are the next four")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--rows", type=int, help="rows of a micro-batch")
    parser.add_argument("--accumulate", type=int, help="micro-batches of a step")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16" if cuda else "float32")
    parser.add_argument("--compile", action="store_true", help="torch.compile: a minute at the start, faster steps")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, where there is one")
    parser.add_argument("--log-every", type=int, default=10, help="steps between two lines")
    arguments = parser.parse_args(argv)
    run = read_run(arguments)
    torch.manual_seed(run["seed"])
    result = Path(run["output"], "model")
    if result.exists():
        raise SystemExit(f"{result} exists already. Name another --output, or remove it.")
    result.parent.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(run, arguments)
    if arguments.resume:
        trainer.resume()
    count = sum(parameter.numel() for parameter in trainer.model.parameters())
    print(
        f"{count:,} parameters, {len(trainer.training.examples):,} documents, {trainer.training.sizes.sum():,} tokens a pass, "
        f"{trainer.total:,} steps; on {arguments.device} in {arguments.dtype}",
        flush=True,
    )
    if not trainer.train(arguments.log_every):
        print(f"Interrupted after step {trainer.step}. Go on with the same command and --resume.", file=sys.stderr)
        return 130
    save_folder(trainer.model, trainer.tokenizer_folder, result)
    print(f"Wrote {result}. Next: haetae lm generate --model {result} --prompt TEXT; haetae quantize {result} -o FOLDER")
    return 0


if __name__ == "__main__":
    sys.exit(main())
