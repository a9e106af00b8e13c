"""Losses of PyTorch and their gradients, for the tests of training/blocks, training/losses and training/encoder.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy==2.4.6     # Python 3.11, on a CPU
    venv/bin/python test/reference/training/losses.py > test/reference/training/losses.json

Everything is computed in float64 by autograd from the formulas of DistiLLM-2 as they are published, from float32
inputs; nothing here is shared with the code under test. The tolerance of the tests covers float32 alone.
"""

import json
import math

import torch
import torch.nn.functional as F

VERSION = "2.15.0"
assert torch.__version__.startswith(VERSION), torch.__version__
torch.set_default_dtype(torch.float64)


def draw(generator, *shape, scale=1.0):
    """Normal numbers with few digits, exact in float32 and short in JSON."""
    values = torch.randn(*shape, generator=generator) * scale
    return (values * 1024).round() / 1024


def flat(x):
    return [float(f"{v:.8g}") for v in x.detach().reshape(-1).tolist()]


def divergence(kind, z, t, alpha, detached):
    """[T] from logits [T, V] of student and teacher; alpha [T]."""
    lq, lp = F.log_softmax(z, -1), F.log_softmax(t, -1)
    p, q = lp.exp(), lq.exp()
    a = alpha[:, None]
    mix = lambda lx, ax, ly, ay: torch.logsumexp(torch.stack([lx + ax.log(), ly + ay.log()]), 0)
    if kind == "forward_kl":
        return (p * (lp - lq)).sum(-1)
    if kind == "reverse_kl":
        return (q * (lq - lp)).sum(-1)
    if kind == "generalised_jsd":
        lm = mix(lp, a, lq, 1 - a)
        return alpha * (p * (lp - lm)).sum(-1) + (1 - alpha) * (q * (lq - lm)).sum(-1)
    if kind == "skew_forward_kl":
        return (p * (lp - mix(lp, a, lq, 1 - a))).sum(-1)
    lm = mix(lp, 1 - a, lq.detach() if detached else lq, a)
    return (q * (lq - lm)).sum(-1)


KINDS = ["forward_kl", "reverse_kl", "generalised_jsd", "skew_forward_kl", "skew_reverse_kl"]


def divergence_cases():
    cases = []
    for seed, (scale, alphas) in enumerate(
        [(1, [0.1]), (4, [0.01, 0.1, 0.5, 0.9]), (40, [0.01, 0.1, 0.5, 0.9]), (1000, [0.1, 0.01])]
    ):
        g = torch.Generator().manual_seed(seed)
        tokens, vocab = 5, 9
        z, t = draw(g, tokens, vocab, scale=scale), draw(g, tokens, vocab, scale=scale)
        w = torch.tensor([0.5, 0.0, 0.25, 0.125, 0.125])
        alpha = torch.tensor([alphas[i % len(alphas)] for i in range(tokens)])
        results = []
        for kind in KINDS:
            for detached in [False, True] if kind == "skew_reverse_kl" else [False]:
                leaf = z.clone().requires_grad_()
                loss = (w * divergence(kind, leaf, t, alpha, detached)).sum()
                loss.backward()
                results.append(
                    {"kind": kind, "detached": detached, "loss": loss.item(), "dLogits": flat(leaf.grad)}
                )
        cases.append(
            {
                "scale": scale,
                "tokens": tokens,
                "vocab": vocab,
                "student": flat(z),
                "teacher": flat(t),
                "weights": flat(w),
                "alpha": flat(alpha),
                "results": results,
            }
        )
    return cases


def cross_entropy_cases():
    cases = []
    for seed, scale in enumerate([1, 40, 1000]):
        g = torch.Generator().manual_seed(100 + seed)
        tokens, hidden, vocab = 6, 4, 11
        x, e = draw(g, tokens, hidden, scale=scale), draw(g, vocab, hidden)
        labels = torch.randint(vocab, (tokens,), generator=g)
        w = torch.tensor([0.25, 0.0, 0.25, 0.25, 0.125, 0.125])
        x.requires_grad_()
        e.requires_grad_()
        loss = (w * F.cross_entropy(x @ e.T, labels, reduction="none")).sum()
        loss.backward()
        cases.append(
            {
                "tokens": tokens,
                "dimension": hidden,
                "vocab": vocab,
                "hidden": flat(x),
                "head": flat(e),
                "labels": labels.tolist(),
                "weights": flat(w),
                "loss": loss.item(),
                "dHidden": flat(x.grad),
                "dHead": flat(e.grad),
            }
        )
    return cases


def distillm2_cases():
    """Pairs of responses, ragged; logits in, as the trainer of a pair sees them."""
    cases = []
    # α lies between its bounds for c / d in 1 … 1.1 only, so c is set beside the d of one pair.
    for seed, (form, progress, share) in enumerate(
        [("released", 0.75, 0), ("paper", 0, 0), ("paper", 0.25, 1.03), ("paper", 0.5, 1.06), ("paper", 1, 1.09)]
    ):
        g = torch.Generator().manual_seed(200 + seed)
        pairs, length, vocab = 3, 6, 8
        shape = (2, pairs, length, vocab)
        t = draw(g, *shape)
        z = t * 0.5 + draw(g, *shape, scale=0.5)
        labels = torch.randint(vocab, (2, pairs, length), generator=g)
        # Responses the side that wrote them likes: each label is made likelier there.
        t[0].scatter_add_(-1, labels[0][..., None], torch.full((pairs, length, 1), 2.0))
        z[1].scatter_add_(-1, labels[1][..., None], torch.full((pairs, length, 1), 1.5))
        begin = torch.randint(0, 3, (2, pairs), generator=g)
        end = torch.randint(3, length + 1, (2, pairs), generator=g)
        position = torch.arange(length)
        mask = ((position >= begin[..., None]) & (position < end[..., None])).double()
        count = mask.sum(-1)
        leaf = z.clone().requires_grad_()

        def mean_logp(logits):
            lp = F.log_softmax(logits.detach(), -1).gather(-1, labels[..., None])[..., 0]
            return (lp * mask).sum(-1) / count

        p, q = mean_logp(t).exp(), mean_logp(leaf).exp()
        d1, d2 = p[0] - q[0], q[1] - p[1]
        c1, c2 = (round(share * d[d.argsort()[1]].item(), 7) for d in (d1, d2))
        if form == "released":
            beta, alpha1, alpha2 = 1.0, torch.full((pairs,), 0.1), torch.full((pairs,), 0.1)
        else:
            beta = 1 + 0.5 * min(1, 2 * progress)
            alpha1 = (1 - (1 - 0.1) * c1 / (d1 + 1e-5)).clamp(0.01, 0.1)
            alpha2 = (1 - (1 - 0.1) * c2 / (d2 + 1e-5)).clamp(0.01, 0.1)

        def sequence_mean(kind, which, alpha):
            rows = divergence(
                kind,
                leaf[which].reshape(-1, vocab),
                t[which].reshape(-1, vocab),
                alpha.repeat_interleave(length),
                form == "released",
            ).reshape(pairs, length)
            return (rows * mask[which]).sum(-1) / count[which]

        skl = sequence_mean("skew_forward_kl", 0, alpha1)
        srkl = sequence_mean("skew_reverse_kl", 1, alpha2)
        loss = ((2 - beta) * skl + beta * srkl).mean()
        loss.backward()
        cases.append(
            {
                "form": form,
                "progress": progress,
                "c1": c1,
                "c2": c2,
                "pairs": pairs,
                "length": length,
                "vocab": vocab,
                "teacher": flat(t),
                "student": flat(z),
                "labels": labels.reshape(-1).tolist(),
                "mask": mask.reshape(-1).int().tolist(),
                "beta": beta,
                "alpha1": flat(alpha1),
                "alpha2": flat(alpha2),
                "d1": flat(d1),
                "d2": flat(d2),
                "skl": flat(skl),
                "srkl": flat(srkl),
                "loss": loss.item(),
                "dLogits": flat(leaf.grad),
            }
        )
    assert any(0.01 < a < 0.1 for case in cases for a in case["alpha1"] + case["alpha2"]), "no α between its bounds"
    return cases


def encoder_cases():
    """Static embeddings: mean of token vectors, an optional projection, unit length, InfoNCE."""
    cases = []
    for seed, (negatives, symmetric, project) in enumerate(
        [(0, False, False), (1, False, True), (0, True, False), (2, True, True)]
    ):
        g = torch.Generator().manual_seed(300 + seed)
        vocab, dimension, out, batch, length, temperature = 13, 5, 4, 4, 6, 0.05
        each = 1 + negatives
        table = draw(g, vocab, dimension).requires_grad_()
        projection = draw(g, out, dimension).requires_grad_() if project else None
        texts = batch * (1 + each)
        ids = torch.randint(1, vocab, (texts, length), generator=g)
        counts = torch.randint(1, length + 1, (texts,), generator=g)
        mask = (torch.arange(length) < counts[:, None]).double()
        ids = ids * mask.long()
        vectors = (F.embedding(ids, table) * mask[..., None]).sum(1) / counts[:, None]
        if project:
            vectors = vectors @ projection.T
        vectors = F.normalize(vectors, dim=-1)
        queries, documents = vectors[:batch], vectors[batch:]
        scores = queries @ documents.T / temperature
        target = torch.arange(batch) * each
        loss = F.cross_entropy(scores, target)
        if symmetric:
            loss = (loss + F.cross_entropy(scores[:, target].T, torch.arange(batch))) / 2
        loss.backward()
        cases.append(
            {
                "vocab": vocab,
                "dimension": dimension,
                "out": out,
                "batch": batch,
                "each": each,
                "length": length,
                "temperature": temperature,
                "symmetric": symmetric,
                "table": flat(table),
                "projection": flat(projection) if project else None,
                "ids": ids.reshape(-1).tolist(),
                "counts": counts.tolist(),
                "loss": loss.item(),
                "dTable": flat(table.grad),
                "dProjection": flat(projection.grad) if project else None,
            }
        )
    return cases


assert math.isclose(divergence("skew_forward_kl", torch.ones(1, 3), torch.ones(1, 3), torch.tensor([0.1]), False), 0, abs_tol=1e-12)
print(
    json.dumps(
        {
            "torch": VERSION,
            "divergence": divergence_cases(),
            "crossEntropy": cross_entropy_cases(),
            "distillm2": distillm2_cases(),
            "encoder": encoder_cases(),
        }
    )
)
