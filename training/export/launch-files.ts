/**
 * What starts a run on a GPU cluster: `accelerate.yaml`, `run.sh`, and what the trainer reads. Models are named by
 * environment variables, since they lie elsewhere there.
 *
 * TRL: all three trainers were run with the version in `requirements.txt`, on a tiny model and one process. DistiLLM-2:
 * the fields that its code shares with the alignment-handbook, which it is built on; it was not run.
 */
import { stringify } from 'yaml';
import type { LaunchParameters } from './launch-parameters.js';

export type LaunchFiles = Readonly<Record<string, string>>;

/** Written against these. */
const requirements = 'trl==1.16.0\ntransformers>=5.0,<6\npeft>=0.13.0\naccelerate>=1.10.1\ndatasets>=4.7.0\n';

const accelerate = stringify({
  compute_environment: 'LOCAL_MACHINE',
  distributed_type: 'MULTI_GPU',
  mixed_precision: 'bf16',
  num_machines: 1,
  machine_rank: 0,
  num_processes: 8,
  gpu_ids: 'all',
  main_training_function: 'main',
  rdzv_backend: 'static',
  same_network: true,
  use_cpu: false,
});

/** @param isPlain the student has no chat template */
export function trlFiles(parameters: LaunchParameters, isPlain: boolean): LaunchFiles {
  return {
    'requirements.txt': requirements,
    'accelerate.yaml': accelerate,
    'run.sh': trlScript(parameters, isPlain),
    ...(isPlain ? {} : { 'gkd.py': gkdProgram }),
  };
}

export function distillm2Files(parameters: LaunchParameters, isPlain: boolean): LaunchFiles {
  return {
    'accelerate.yaml': accelerate,
    'distillm2.yaml': distillm2Config(parameters, isPlain),
    'run.sh': distillm2Script(parameters),
  };
}

function trlScript(parameters: LaunchParameters, isPlain: boolean): string {
  const { maxLength, maxNewTokens, temperature, lora } = parameters;
  const trainers = isPlain ? 'dpo|sft' : 'gkd|dpo|sft';
  const gkd = `  gkd) # generalised knowledge distillation (Agarwal et al. 2024): half of the responses are the student's own
    : "\${TEACHER:?the folder of the teacher, with the vocabulary of the student}"
    launch "$HERE/gkd.py" --dataset_config dialogue --teacher_model_name_or_path "$TEACHER" \\
      --lmbda 0.5 --beta 0.5 --temperature ${temperature} --max_new_tokens ${maxNewTokens} ;;
`;
  return `${scriptHead(parameters, `STUDENT=… TEACHER=… OUTPUT=… ./run.sh ${trainers}`)}
COMMON=(
  --model_name_or_path "$STUDENT" --dataset_name "$HERE" --output_dir "$OUTPUT"
  ${commonArguments(parameters).join('\n  ')}
  --per_device_train_batch_size "$ROWS" --gradient_accumulation_steps "$ACCUMULATE"
  --max_length ${maxLength} --bf16 true --eval_strategy epoch --save_strategy epoch${lora ? `\n  ${loraArguments(lora)}` : ''}
)
launch() { accelerate launch --config_file "$HERE/accelerate.yaml" --num_processes "$GPUS" "$@" "\${COMMON[@]}"; }

case "\${1:-${isPlain ? 'dpo' : 'gkd'}}" in
${isPlain ? '' : gkd}  dpo) # the teacher's response over the student's (Rafailov et al. 2023)
    launch --module trl.scripts.dpo --dataset_config preference --beta 0.1 ;;
  sft) # the teacher's responses
    launch --module trl.scripts.sft --dataset_config completion ;;
  *) echo "usage: STUDENT=… OUTPUT=… $0 ${trainers}" >&2; exit 2 ;;
esac
`;
}

function distillm2Script(parameters: LaunchParameters): string {
  return `${scriptHead(parameters, 'DISTILLM2=… STUDENT=… TEACHER=… OUTPUT=… ./run.sh')}
: "\${DISTILLM2:?the folder of the published code, https://github.com/jongwooko/distillm-2}"
: "\${TEACHER:?the folder of the teacher, with the vocabulary of the student}"

CONFIG="$OUTPUT/distillm2.yaml"
mkdir -p "$OUTPUT"
sed -e "s|__STUDENT__|$STUDENT|" -e "s|__TEACHER__|$TEACHER|" -e "s|__DATA__|$HERE|" -e "s|__OUTPUT__|$OUTPUT|" \\
  -e "s|__ROWS__|$ROWS|" -e "s|__ACCUMULATE__|$ACCUMULATE|" "$HERE/distillm2.yaml" > "$CONFIG"
cd "$DISTILLM2"
accelerate launch --config_file "$HERE/accelerate.yaml" --num_processes "$GPUS" src/run_distillm.py "$CONFIG"
`;
}

function scriptHead({ batch, rows }: LaunchParameters, usage: string): string {
  return `#!/usr/bin/env bash
# ${usage}
# GPUS (default 8) and ROWS (sequences that a GPU holds at once, default ${rows}) fit it to the machine; a step has ${batch}.
set -euo pipefail
HERE="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
: "\${STUDENT:?the folder of the student, see README.md}"
: "\${OUTPUT:?the folder to write to}"
GPUS="\${GPUS:-8}"
ROWS="\${ROWS:-${rows}}"
ACCUMULATE=$(( ${batch} / (GPUS * ROWS) ))
(( ACCUMULATE >= 1 )) || ACCUMULATE=1
`;
}

function commonArguments({
  learningRate,
  scheduler,
  warmup,
  epochs,
  steps,
  weightDecay,
  beta1,
  beta2,
  maxGradNorm,
  seed,
}: LaunchParameters): string[] {
  return [
    `--learning_rate ${learningRate} --lr_scheduler_type ${scheduler} --warmup_steps ${warmup}`,
    epochs === null ? `--max_steps ${steps}` : `--num_train_epochs ${epochs}`,
    `--weight_decay ${weightDecay} --adam_beta1 ${beta1} --adam_beta2 ${beta2} --max_grad_norm ${maxGradNorm ?? 0} --seed ${seed}`,
  ];
}

function loraArguments({ r, alpha, targets }: NonNullable<LaunchParameters['lora']>): string {
  return `--use_peft --lora_r ${r} --lora_alpha ${alpha} --lora_dropout 0 --lora_target_modules ${targets.join(' ')}`;
}

function distillm2Config(parameters: LaunchParameters, isPlain: boolean): string {
  const { lora, learningRate, scheduler, warmup, epochs, steps, weightDecay, seed } = parameters;
  const { maxLength, maxPromptLength, beta1, beta2, maxGradNorm } = parameters;
  return stringify({
    model_name_or_path: '__STUDENT__',
    ref_model_name_or_path: '__TEACHER__',
    torch_dtype: 'bfloat16',
    // Texts are put together as they are, and end with the token that ends a text.
    ...(isPlain ? { chat_template: plainTemplate } : {}),
    ...(lora
      ? {
          use_peft: true,
          lora_r: lora.r,
          lora_alpha: lora.alpha,
          lora_dropout: 0,
          lora_target_modules: [...lora.targets],
        }
      : { use_peft: false }),
    dataset_mixer: { __DATA__: 1 },
    dataset_splits: ['train', 'test'],
    preprocessing_num_workers: 4,
    loss_type: 'distillm_v2',
    bf16: true,
    learning_rate: learningRate,
    lr_scheduler_type: scheduler,
    warmup_ratio: warmup,
    ...(epochs === null ? { max_steps: steps } : { num_train_epochs: epochs }),
    per_device_train_batch_size: '__ROWS__',
    gradient_accumulation_steps: '__ACCUMULATE__',
    gradient_checkpointing: true,
    max_length: maxLength,
    max_prompt_length: maxPromptLength,
    weight_decay: weightDecay,
    adam_beta1: beta1,
    adam_beta2: beta2,
    max_grad_norm: maxGradNorm ?? 0,
    optim: 'adamw_torch',
    seed,
    output_dir: '__OUTPUT__',
    save_strategy: 'epoch',
    logging_steps: 10,
    report_to: 'none',
  });
}

/** Writes messages as they are. */
export const plainTemplate =
  "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}";

const gkdProgram = `"""Generalised knowledge distillation with TRL; started by run.sh."""

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import ModelConfig, ScriptArguments, TrlParser, get_peft_config
from trl.experimental.gkd import GKDConfig, GKDTrainer

if __name__ == "__main__":
    script, training, model = TrlParser((ScriptArguments, GKDConfig, ModelConfig)).parse_args_and_config()
    tokenizer = AutoTokenizer.from_pretrained(model.model_name_or_path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    dataset = load_dataset(script.dataset_name, name=script.dataset_config)
    trainer = GKDTrainer(
        model=AutoModelForCausalLM.from_pretrained(model.model_name_or_path, dtype="bfloat16"),
        teacher_model=AutoModelForCausalLM.from_pretrained(training.teacher_model_name_or_path, dtype="bfloat16"),
        args=training,
        train_dataset=dataset[script.dataset_train_split],
        eval_dataset=dataset[script.dataset_test_split] if training.eval_strategy != "no" else None,
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    trainer.train()
    trainer.save_model(training.output_dir)
`;
