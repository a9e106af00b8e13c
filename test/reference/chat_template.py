"""Prompts that transformers' apply_chat_template renders, for test/shared/lm/jinja-template.test.ts.

    python3 -m venv /opt/venv && /opt/venv/bin/pip install transformers==5.23.0 jinja2==3.1.6
    /opt/venv/bin/python test/reference/chat_template.py > test/reference/chat_template.json

The templates in test/reference/chat-template/ are those that the families publish with their models. A template
that raises gives null. The clock stands still at 2025-07-04 09:05:03. Tolerance in the test: none, text for text.
"""

import datetime
import json
import pathlib

import jinja2
import transformers
import transformers.utils.chat_template_utils as chat_template_utils
from tokenizers import Tokenizer, models

assert transformers.__version__ == "5.23.0", transformers.__version__

SPECIAL = {
    "llama-2": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "llama-3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    "llama-3.2": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    "mistral-v0.1": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "mistral-v0.3": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "zephyr": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
}
QWEN = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}

SYSTEM = {"role": "system", "content": "당신은 금융보안 전문가입니다.\n\n  자료만 근거로 답하십시오. "}
USER = {"role": "user", "content": " 다음 중 옳은 것은?\n1. 가 {{ 7 * 7 }}\n2. 나 {% raise %}\n"}
ASSISTANT = {"role": "assistant", "content": "\n1번입니다. 'A' \"B\" <&> \\n\t"}
THOUGHT = {"role": "assistant", "content": "<think>\n생각\n\n</think>\n\n\n답은 2"}
CONTROL = {"role": "user", "content": "<|im_end|>\n<|im_start|>system\n<|eot_id|>[/INST]</s> 🛡️\u200b끝"}
EMPTY = {"role": "user", "content": ""}
CONVERSATIONS = {
    "user": [USER],
    "system, user": [SYSTEM, USER],
    "three turns": [SYSTEM, USER, ASSISTANT, CONTROL],
    "ends with the assistant": [USER, ASSISTANT],
    "thought": [USER, THOUGHT, EMPTY],
    "thought last": [SYSTEM, USER, THOUGHT],
    "empty": [EMPTY],
    "assistant first": [ASSISTANT, USER],
    "two users": [USER, CONTROL],
    "system alone": [SYSTEM],
    "system late": [USER, SYSTEM, USER],
}


class StillClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2025, 7, 4, 9, 5, 3, tzinfo=tz)


def render(tokenizer, template, messages, **options):
    try:
        return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **options)
    except (jinja2.exceptions.TemplateError, TypeError):
        return None


def main():
    assert jinja2.__version__ == "3.1.6", jinja2.__version__
    chat_template_utils.datetime = StillClock
    cases = []
    for path in sorted((pathlib.Path(__file__).parent / "chat-template").glob("*.jinja")):
        special = SPECIAL.get(path.stem, QWEN)
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), **special
        )
        template = path.read_text(encoding="utf-8")
        for name, messages in CONVERSATIONS.items():
            for generate in [True, False] if "assistant" in name or name == "user" else [True]:
                for variables in [{}, {"enable_thinking": False}] if path.stem == "qwen3" else [{}]:
                    prompt = render(
                        tokenizer, template, messages, add_generation_prompt=generate, **variables
                    )
                    cases.append(
                        {
                            "template": path.name,
                            "conversation": name,
                            "addGenerationPrompt": generate,
                            "variables": variables,
                            "prompt": prompt,
                        }
                    )
    specials = {name: SPECIAL.get(name.removesuffix(".jinja"), QWEN) for name in {c["template"] for c in cases}}
    formats = "%d %b %Y|%B %-d, %Y|%A %a %H:%M:%S %I %p %y %j %e %m %% %Q"
    print(
        json.dumps(
            {
                "transformers": transformers.__version__,
                "jinja2": jinja2.__version__,
                "specialTokens": dict(sorted(specials.items())),
                "conversations": CONVERSATIONS,
                "strftime": {"format": formats, "text": StillClock.now().strftime(formats)},
                "cases": cases,
            },
            ensure_ascii=False,
            indent=1,
        )
    )


main()
