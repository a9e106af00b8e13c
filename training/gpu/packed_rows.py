"""
Documents to batches of packed rows, the same to the token as `haetae train pretrain` makes them of one run file.

Files and documents come in the same order, the same documents are held out, and documents and rows are dealt in the same
order for a seed; what that order is stands in training/data/{data-files,read-training-documents,split-by-document,
shuffle,row-plan,row-dealer,packed-batches}.ts. A text is its tokens and the end of text, a row is filled to its end, a text
that goes on in the next row begins anew there, and texts in a row do not see each other.
"""

import gzip
import hashlib
import itertools
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXT_END, TURN_END = 0, 2
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "text", ".md": "text"}
CHARACTERS_AT_ONCE = 4_000_000


def open_tokenizer(folder):
    """Of a folder that `haetae train pretrain` has made: the ids of its control tokens are known."""
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    if [tokenizer.token_to_id(token) for token in CONTROL_TOKENS] != [0, 1, 2]:
        raise SystemExit(f"{folder}/tokenizer.json is not one of `haetae train pretrain`: its first tokens are others.")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def data_files(paths):
    """(path, name, format) of each file; folders with all below them, by name."""
    files = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append((path, path.name))
            continue
        below = (file for file in path.rglob("*") if file.is_file())
        names = sorted((file.relative_to(path).as_posix() for file in below), key=lambda name: name.encode("utf-16-be"))
        known = [name for name in names if format_of(name) and not re.search(r"(^|/)\.", name)]
        files += [(path / name, name) for name in known]
    uses = Counter(name for _, name in files)
    for path, name in files:
        if format_of(path.name) is None:
            raise SystemExit(f"{path}: the kind of file is not known by its name. Known are {', '.join(FORMATS)}, and .gz.")
        yield path, name if uses[name] == 1 else str(path), format_of(path.name)


def format_of(name):
    return FORMATS.get(Path(re.sub(r"\.gz$", "", name.lower())).suffix)


def documents(paths, text_documents):
    """(id, text) of each document; `text_documents` is `file`, or `block`: lines between empty ones."""
    for path, name, kind in data_files(paths):
        opened = gzip.open if path.name.lower().endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="\n") as file:
            lines = (line.removesuffix("\n").removesuffix("\r") for line in file)
            if kind == "jsonl":
                yield from json_documents(name, lines)
            elif text_documents == "block":
                yield from blocks(lines)
            else:
                text = "\n".join(lines)
                if text.strip():
                    yield name, text


def json_documents(name, lines):
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = json.loads(line)
        text = fields.get("text") if isinstance(fields, dict) else None
        if not isinstance(text, str):
            raise SystemExit(f'{name}:{number}: {{"text"}} is needed.')
        if text.strip():
            named = (fields.get(key) for key in ("source", "documentId", "docId"))
            yield str(next((given for given in named if given is not None), f"{name}:{number}")), text


def blocks(lines):
    block = []
    for line in itertools.chain(lines, [""]):
        if line != "":
            block.append(line)
            continue
        first = next((found.strip() for found in block if found.strip()), None)
        if first is not None:
            yield first[:200], "\n".join(block)
        block = []


def plain(text):
    """Control tokens in the text of others are broken by a space behind their first character."""
    return re.sub("|".join(map(re.escape, CONTROL_TOKENS)), lambda found: f"{found[0][0]} {found[0][1:]}", text)


class Corpus:
    """Tokens of all documents, one after another."""

    def __init__(self, paths, tokenizer, text_documents):
        small = tokenizer.get_vocab_size() <= 2**16
        self.ids, parts, lengths, texts = [], [], [], []

        def encode():
            for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
                parts.append(np.array([*encoding.ids, TEXT_END], np.uint16 if small else np.uint32))
                lengths.append(len(parts[-1]))
            texts.clear()

        characters = 0
        for document, text in documents(paths, text_documents):
            self.ids.append(document)
            texts.append(plain(text))
            characters += len(text)
            if characters >= CHARACTERS_AT_ONCE:
                encode()
                characters = 0
        encode()
        if not parts:
            raise SystemExit(f"{', '.join(map(str, paths))}: there are no documents.")
        self.tokens = np.concatenate(parts)
        self.offsets = np.concatenate([[0], np.cumsum(lengths)])

    def split(self, fraction, seed):
        """Examples that are trained on, and those that are held out: by a hash of their document's id."""
        held = np.array([is_held_out(document, fraction, seed) for document in self.ids])
        return np.flatnonzero(~held), np.flatnonzero(held)


def is_held_out(document, fraction, seed):
    digest = hashlib.sha256(f"{seed}\n{document}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48 < fraction


class RowPlan:
    """Texts that follow each other through rows: `items` in their order, and where each ends in the positions of all rows."""

    def __init__(self, sizes, items):
        self.items, self.ends = items, np.cumsum(sizes[items])


class PackedRows:
    """Rows of a choice of examples, dealt pass after pass without end. `position`: passes, and rows dealt of this one."""

    def __init__(self, corpus, examples, length, seed):
        self.corpus, self.examples, self.length, self.seed = corpus, examples, length, seed
        # The last token of a text is only ever a label.
        self.sizes = np.maximum(np.diff(corpus.offsets)[examples] - 1, 0)
        self.rows_per_pass = -(-int(self.sizes.sum()) // length)
        if self.rows_per_pass == 0:
            raise SystemExit("There is nothing to train on: every document is shorter than two tokens.")
        self.position = (0, 0)
        self.planned = None

    def deal(self, rows):
        """The next rows as a batch."""
        dealt = []
        while len(dealt) < rows:
            number, row = self.position
            if row == self.rows_per_pass:
                self.position = (number + 1, 0)
                continue
            if self.planned is None or self.planned[0] != number:
                plan = RowPlan(self.sizes, shuffled(len(self.sizes), self.seed, number, "items"))
                self.planned = (number, plan, shuffled(self.rows_per_pass, self.seed, number, "rows"))
            _, plan, order = self.planned
            dealt.append(self.row(plan, int(order[row])))
            self.position = (number, row + 1)
        return batch_of(dealt)

    def fair_sample(self, rows, batches):
        """The first batches of a pass whose order is always the same, to measure a loss on."""
        plan = RowPlan(self.sizes, np.arange(len(self.sizes)))
        order = shuffled(self.rows_per_pass, self.seed, 0, "measured rows")
        for first in range(0, min(rows * batches, len(order)), rows):
            yield batch_of([self.row(plan, int(row)) for row in order[first : first + rows]])

    @property
    def epoch(self):
        return self.position[0] + self.position[1] / self.rows_per_pass

    def row(self, plan, number):
        """ids, labels, visible_from: each [length]. Padding has the label -100 and sees itself alone."""
        ids, labels = np.zeros(self.length, np.int64), np.full(self.length, -100, np.int64)
        visible_from = np.arange(self.length)
        start, column = number * self.length, 0
        at = int(np.searchsorted(plan.ends, start, side="right"))
        while column < self.length and at < len(plan.items):
            item = plan.items[at]
            size = int(self.sizes[item])
            skipped = max(0, start - (int(plan.ends[at]) - size))
            taken = min(self.length - column, size - skipped)
            first = int(self.corpus.offsets[self.examples[item]]) + skipped
            ids[column : column + taken] = self.corpus.tokens[first : first + taken]
            labels[column : column + taken] = self.corpus.tokens[first + 1 : first + taken + 1]
            visible_from[column : column + taken] = column
            column += taken
            at += 1
        return ids, labels, visible_from


def batch_of(rows):
    """ids, labels, visible_from: each [rows, length]."""
    return tuple(np.stack(part) for part in zip(*rows))


def shuffled(count, seed, epoch, purpose):
    """0 to count - 1 by Fisher and Yates, with the random numbers of training/data/shuffle.ts."""
    digest = hashlib.sha256(f"{seed}\n{epoch}\n{purpose}".encode()).digest()
    uniform = mulberry32(int.from_bytes(digest[:4], "little"), max(0, count - 1))
    others = np.floor(uniform * np.arange(count, 1, -1)).astype(np.int64).tolist()
    values = list(range(count))
    for i, j in zip(range(count - 1, 0, -1), others):
        values[i], values[j] = values[j], values[i]
    return np.array(values, np.int64)


def mulberry32(seed, count):
    """The first uniform numbers of shared/random.ts: its state only counts, so they are computed together."""
    state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
    mixed = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
    mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
    return (mixed ^ (mixed >> np.uint32(14))).astype(np.float64) / 2**32
