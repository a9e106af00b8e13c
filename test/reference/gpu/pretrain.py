# Reference for training/gpu: what pretrain.py there makes of run.yaml beside this file, on a CPU in float32. Writes
# pretrain.json (figures of every step, logits of the result) and model/ (the result), for test/training/gpu/.
# Run with Python 3.11 and the packages of training/gpu/requirements.txt:  python3 pretrain.py
#
# The weights it begins with are the formula of their names that test/fixtures/tiny-checkpoint.ts has too:
#   state = fnv1a32(name) xor 1; u = mulberry32(state), row-major; w = float32((2u - 1) * 0.25), in norms 1 + that
# After 12 of the 20 steps it is interrupted, and gone on from its checkpoint.
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "training" / "gpu"))
import pretrain  # noqa: E402
from llama import Llama, config_of, load_folder, save_folder  # noqa: E402
from packed_rows import mulberry32  # noqa: E402

SHAPE = {"hiddenSize": 32, "intermediateSize": 64, "nLayer": 2, "nHead": 4, "nKvHead": 2, "headDim": 16, "maxPositions": 64}
VOCAB, STEPS, INTERRUPTED_AFTER = 320, 20, 12


def weights(name, shape):
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) % 2**32
    centre = 1.0 if name.endswith("norm.weight") else 0.0
    values = centre + (2 * mulberry32(state ^ 1, shape.numel()) - 1) * 0.25
    return torch.from_numpy(values).float().reshape(shape)


def begin(folder):
    model = Llama(config_of(SHAPE, VOCAB, 64, [2, 0]), seed=1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights(name, parameter.shape))
    save_folder(model, HERE / "tokenizer", folder)


def run(folder):
    places = {"OUTPUT": folder / "run", "START": folder / "start", "TOKENIZER": HERE / "tokenizer", "DATA": HERE / "data"}
    text = (HERE / "run.yaml").read_text()
    for name, place in places.items():
        text = text.replace(name, str(place))
    (folder / "run.yaml").write_text(text)
    make_step = pretrain.Trainer.make_step

    def interrupted(trainer):
        entry = make_step(trainer)
        if trainer.step == INTERRUPTED_AFTER:
            os.kill(os.getpid(), signal.SIGINT)
        return entry

    command = [str(folder / "run.yaml"), "--device", "cpu", "--dtype", "float32"]
    pretrain.Trainer.make_step = interrupted
    assert pretrain.main(command) == 130
    pretrain.Trainer.make_step = make_step
    assert pretrain.main([*command, "--resume"]) == 0
    return [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]


torch.set_num_threads(1)
folder = pathlib.Path(tempfile.mkdtemp())
begin(folder / "start")
metrics = run(folder)
for entry in metrics:
    entry.pop("seconds"), entry.pop("tokensPerSecond", None)
assert [entry["step"] for entry in metrics if "loss" in entry] == list(range(1, STEPS + 1))
shutil.rmtree(HERE / "model", ignore_errors=True)
shutil.copytree(folder / "run" / "model", HERE / "model")
tokens = [(i * 7919 + 13) % VOCAB for i in range(40)]
with torch.no_grad():
    model = load_folder(HERE / "model", seed=1)
    logits = model(torch.tensor([tokens]), torch.zeros(1, len(tokens), dtype=torch.int64))[0]
result = {
    "about": f"pretrain.py, torch {torch.__version__}",
    "metrics": metrics,
    "tokens": tokens,
    "positions": list(range(0, 40, 13)),
    "logits": [[float(f"{x:.7g}") for x in row] for row in logits[::13].tolist()],
}
(HERE / "pretrain.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
shutil.rmtree(folder)
