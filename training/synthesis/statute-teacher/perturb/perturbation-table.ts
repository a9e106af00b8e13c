/** What can be done to a statement, and how often it is: numbers and bodies decide more clearly than modals. */
import { shuffled, weightedOrder } from '../choosing.js';
import type { Statement } from '../extract/statements.js';
import { isProvablyFalse } from '../verify-false.js';
import { changeActor } from './actor.js';
import { changeCounterparty } from './counterparty.js';
import type { Falsehood, Perturbation, PerturbationName, Surroundings } from './falsehood.js';
import { oblige, turnModal } from './modal.js';
import { turnWord } from './opposite.js';
import { changeBound, changeQuantity } from './quantity.js';

interface Entry {
  name: PerturbationName;
  weight: number;
  perturb: Perturbation;
}

export const statementPerturbations: readonly Entry[] = [
  { name: 'quantity', weight: 5, perturb: changeQuantity },
  { name: 'counterparty', weight: 4, perturb: changeCounterparty },
  { name: 'opposite', weight: 4, perturb: turnWord },
  { name: 'actor', weight: 3, perturb: changeActor },
  { name: 'modal', weight: 2, perturb: turnModal },
  { name: 'bound', weight: 1, perturb: changeBound },
  { name: 'obligation', weight: 1, perturb: oblige },
];

/** Verified falsehoods of a statement, one of each kind, the weightier kinds tending to come first. */
export function falsehoodsOf(
  statement: Statement,
  around: Surroundings,
  kinds?: ReadonlySet<PerturbationName>,
): Falsehood[] {
  const entries = statementPerturbations.filter(({ name }) => !kinds || kinds.has(name));
  return weightedOrder(entries, ({ weight }) => weight, around.random).flatMap(({ perturb }) => {
    const made = shuffled(perturb(statement, around), around.random);
    const proven = made.find((falsehood) => isProvablyFalse(falsehood, around.library));
    return proven ? [proven] : [];
  });
}
