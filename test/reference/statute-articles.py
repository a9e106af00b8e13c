"""Reference for the statute cutter, made without any of its code.

Run in the repository root:  python3 test/reference/statute-articles.py > test/reference/statute-articles.json
Needs: Python 3.11, poppler-utils 22.12.0 (`pdftotext -raw`). Only the standard library.

For every PDF under data/raw/law-pdf: the labels of main articles in order, found by a crude pattern at the start
of a line, up to the last addenda heading; the number of characters that are not white space, without page heads
and feet nor middle dots (poppler loses some of them where its Korean maps are absent); and a digest of those characters, so that a lost, doubled or moved character shows.
For every Markdown statute: the labels of its `#####` headings above `## 부칙`, and the number of characters.
"""

import hashlib
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path("data/raw")
START = re.compile(r"^제(\d+)조((?:의\d+)*)(?:\(|\s*삭\s?제)")
CIRCLED = {c: i for i, c in enumerate(")!@#$%^&*(")}


def circled(match):
    n = int(match[1]) * 10 + CIRCLED[match[2]]
    return chr(0x2460 + n - 1) if n <= 20 else chr(0x3251 + n - 21) if n <= 35 else chr(0x32B1 + n - 36)


def pdf_entry(path):
    raw = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True).stdout.decode()
    kept = []
    for page in raw.split("\f"):
        lines = [line.strip() for line in page.split("\n") if line.strip()]
        lines = [line for line in lines if not re.fullmatch(r"법제처\s+\d+\s+국가법령정보센터", line)]
        kept.append(lines)
    head = kept[0][0]
    lines = []
    for page in kept:
        if page and page[0] == head:
            page = page[1:]
        lines += page
    text = "\n".join(lines)
    text = re.sub(r"(?<![\d.])([1-5])([!@#$%^&*])(?=\s)", circled, text)
    body = re.split(r"\n부칙\s*<", text)[0]
    labels = []
    for line in body.split("\n"):
        m = START.match(line)
        if m:
            labels.append(f"제{m[1]}조{m[2]}")
    solid = re.sub(r"[\s·ㆍ]", "", text)
    return {"articles": labels, "characters": len(solid), "sha256": hashlib.sha256(solid.encode()).hexdigest()}


def md_entry(path):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    body = text.split("\n## 부칙")[0]
    labels = re.findall(r"^##### (제\d+조(?:의\d+)*)", body, flags=re.M)
    text = re.sub(r"</?img\b[^>]*>", "", text)
    text = re.sub(r"^#+ ", "", text, flags=re.M).replace("\\.", ".").replace("**", "")
    return {"articles": labels, "characters": len(re.sub(r"\s", "", text))}


result = {}
for path in sorted(ROOT.glob("law-pdf/*.pdf")):
    result[f"law-pdf/{path.name}"] = pdf_entry(path)
for path in sorted(ROOT.glob("law-md/*.md")):
    result[f"law-md/{path.name}"] = md_entry(path)
print(json.dumps(result, ensure_ascii=False, indent=1))
