/** Section of `pretrain`, `sft` and `distill-N`: the loss curves. */
import { dirname, join } from 'node:path';
import Type from 'typebox';
import { escapeHtml } from '../../run/escape-html.js';
import { figureText } from '../../run/chart-axis.js';
import { lineChart } from '../../run/line-chart.js';
import { isValidation, readMetrics, type StepMetrics } from '../../run/metrics-log.js';
import { durationText } from '../../run/training-progress.js';
import { charts, countText, facts, notice } from '../report-parts.js';
import { Figure, number, stageSection } from '../stage-section.js';

const Loss = Type.Union([Type.Null(), Type.Object({ first: Figure, last: Figure })]);

const Drawn = Type.Object({
  program: Type.String(),
  /** Of the run, below the stage's folder. */
  metrics: Type.String(),
  report: Type.String(),
  steps: Type.Number(),
  tokens: Type.Number(),
  seconds: Type.Number(),
  loss: Loss,
  validationLoss: Loss,
  lora: Type.Union([Type.Null(), Type.Object({ r: Type.Number(), alpha: Type.Number() })]),
  from: Type.Union([Type.Null(), Type.String()]),
  teacher: Type.Union([Type.Null(), Type.String()]),
  /** Of pretrain on the chunks: what was kept out of them. */
  leftOut: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Object({ chunks: Type.Number(), contaminated: Type.Number(), highest: Type.Number() }),
    ]),
  ),
});

/** Validations that get dots of their own on the curve. */
const mostDots = 60;

export const trainingSection = stageSection(Drawn, async (details, { folder, link }) => {
  const { loss, validationLoss, lora, seconds } = details;
  const change = (of: typeof loss) =>
    of === null ? 'not measured' : `${lossText(of.first)} to ${lossText(of.last)}`;
  return [
    facts([
      ['Program', `haetae train ${details.program}`],
      ['Began with', details.from ?? 'new weights'],
      ...(details.teacher === null ? [] : [['Teacher', details.teacher] as const]),
      ['Weights', lora === null ? 'all are trained' : `LoRA, r ${lora.r}, alpha ${lora.alpha}`],
      ['Steps', countText(details.steps)],
      ['Tokens', countText(details.tokens)],
      ['Time in training', durationText(seconds)],
      ['Training loss, first to last', change(loss)],
      ['Validation loss, first to last', change(validationLoss)],
      ...(details.leftOut ? [leftOutFact(details.leftOut)] : []),
    ]),
    await curves(join(folder, dirname(details.metrics))),
    `<p><a href="${escapeHtml(`${link}/${details.report.split('/').map(encodeURIComponent).join('/')}`)}">The run's own report</a>, with all of its curves</p>`,
  ].join('');
});

function leftOutFact({
  chunks,
  contaminated,
  highest,
}: {
  chunks: number;
  contaminated: number;
  highest: number;
}) {
  return [
    'Chunks like a measured question',
    `${countText(contaminated)} of ${countText(chunks)} left out; the likest that stayed ${highest.toFixed(3)}`,
  ] as const;
}

function lossText(loss: Figure): string {
  return loss === null ? 'not measured' : figureText(number(loss));
}

async function curves(runFolder: string): Promise<string> {
  const markup = await lossCharts(runFolder).catch(() => undefined);
  if (markup === undefined)
    return notice('The curves are not drawn: metrics.jsonl is not as it was written.');
  return markup || notice('The curves are not drawn: there is no metrics.jsonl.');
}

async function lossCharts(runFolder: string): Promise<string> {
  const lines = await readMetrics(runFolder);
  const steps = lines.filter((line): line is StepMetrics => !isValidation(line));
  const validations = lines.filter(isValidation);
  return charts(
    lineChart({
      title: 'Loss',
      headingLevel: 3,
      curves: [
        { name: 'training', points: steps.map(({ step, loss }) => [step, loss] as const) },
        {
          name: 'validation',
          points: validations.map(({ step, validationLoss }) => [step, validationLoss] as const),
          dots: validations.length <= mostDots,
        },
      ],
    }),
    lineChart({
      title: 'Learning rate',
      headingLevel: 3,
      curves: [
        {
          name: 'learning rate',
          points: steps.map(({ step, learningRate }) => [step, learningRate] as const),
        },
      ],
    }),
  );
}
