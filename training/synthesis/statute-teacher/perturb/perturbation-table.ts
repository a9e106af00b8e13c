/** What can be done to a statement, and how often it is: numbers and bodies decide more clearly than modals. */
import type { ChunkKind } from '../../../../shared/retrieval/chunk.js';
import { shuffled, weightedOrder } from '../choosing.js';
import type { Statement } from '../extract/statements.js';
import { isProvablyFalse } from '../verify-false.js';
import { changeActor } from './actor.js';
import { makeAbsolute } from './absolute.js';
import { changeAim } from './aim.js';
import { contrastWord } from './contrast.js';
import { changeCounterparty } from './counterparty.js';
import { changeDelegation } from './delegation.js';
import { deny } from './denial.js';
import { exchangeParties } from './exchange.js';
import type { Falsehood, Perturbation, PerturbationName, Surroundings } from './falsehood.js';
import { oblige, turnModal } from './modal.js';
import { turnWord } from './opposite.js';
import { changeProcedure } from './procedure.js';
import { changeBound, changeQuantity } from './quantity.js';
import { changeTopic } from './topic.js';

interface Entry {
  name: PerturbationName;
  weight: number;
  perturb: Perturbation;
}

export const statementPerturbations: readonly Entry[] = [
  { name: 'quantity', weight: 5, perturb: changeQuantity },
  { name: 'counterparty', weight: 4, perturb: changeCounterparty },
  { name: 'opposite', weight: 3, perturb: turnWord },
  { name: 'actor', weight: 3, perturb: changeActor },
  { name: 'modal', weight: 0.5, perturb: turnModal },
  { name: 'bound', weight: 1, perturb: changeBound },
  { name: 'obligation', weight: 1.5, perturb: oblige },
  { name: 'exchange', weight: 3, perturb: exchangeParties },
  { name: 'absolute', weight: 1.5, perturb: makeAbsolute },
  { name: 'procedure', weight: 3, perturb: changeProcedure },
  { name: 'aim', weight: 1.5, perturb: changeAim },
  { name: 'delegation', weight: 0.2, perturb: changeDelegation },
];

/** Of what a guide says. */
export const guidePerturbations: readonly Entry[] = [
  { name: 'contrast', weight: 4, perturb: contrastWord },
  { name: 'topic', weight: 4, perturb: changeTopic },
  { name: 'denial', weight: 0.6, perturb: deny },
  { name: 'quantity', weight: 2, perturb: changeQuantity },
];

const tables: Partial<Record<ChunkKind, readonly Entry[]>> = {
  prose: guidePerturbations,
  control: [...statementPerturbations, { name: 'contrast', weight: 4, perturb: contrastWord }],
};

/** Verified falsehoods of a statement, one of each kind, the weightier kinds tending to come first. */
export function falsehoodsOf(
  statement: Statement,
  around: Surroundings,
  kinds?: ReadonlySet<PerturbationName>,
): Falsehood[] {
  const table = tables[statement.article.first.kind] ?? statementPerturbations;
  const entries = table.filter(({ name }) => !kinds || kinds.has(name));
  return weightedOrder(entries, ({ weight }) => weight, around.random).flatMap(({ perturb }) => {
    const made = shuffled(perturb(statement, around), around.random);
    const proven = made.find((falsehood) => isProvablyFalse(falsehood, around.library));
    return proven ? [proven] : [];
  });
}
