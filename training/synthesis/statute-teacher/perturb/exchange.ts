/** Who does it and whom it is done to, exchanged: `금융회사는 금융위원회에 보고` → `금융위원회는 금융회사에 보고`. */
import { classOf, counterpartyOf, topicOf } from '../extract/actors.js';
import { agreeing } from '../language/particles.js';
import { dative } from './counterparty.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

export const exchangeParties: Perturbation = (statement) => {
  const { text } = statement;
  const actor = topicOf(text);
  const other = counterpartyOf(text);
  if (!actor || !other || other.particle === '의' || other.start < actor.end) return [];
  if (!classOf(actor.text) || !classOf(other.text) || classOf(actor.text) === classOf(other.text)) return [];
  const between = text.slice(actor.end, other.start);
  const after = text.slice(other.end + other.particle.length);
  // Named a third time, one of them would be in two roles.
  if (`${between} ${after}`.includes(actor.text) || `${between} ${after}`.includes(other.text)) return [];
  return [
    falsehoodOf(statement, 'exchange', {
      text:
        text.slice(0, actor.start) + other.text + agreeing(other.text, between) + dative(actor.text) + after,
      from: actor.text,
      to: other.text,
    }),
  ];
};
