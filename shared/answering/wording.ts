/**
 * Cues in the wording of a statement, without any evidence: exam-writers make false statements by over-stating
 * (`모든`, `반드시`, `만으로`), by denying a duty (`필요가 없다`), and hedge what is true (`할 수 있다`, `등`).
 */

const overstatements =
  /모든|모두|반드시|항상|언제나|절대로?|무조건|전혀|오직|오로지|유일|완전히|완벽|전적으로|일체|무제한|무기한|영구|즉각|예외\s?없이|어떠한|어떤\s?경우에도|상관\s?없이|관계\s?없이|불문하고|만으로|만을|만이|만\s|에만|에게만|뿐|100\s?%|전부|제한\s?없이|자유롭게|임의로|보장(?:한다|된다|해)|불가능/gu;
const denials =
  /않|없[다는이어을으고]|아니[다하한며]|못[한하]|불필요|면제|생략|제외|금지|무시|배제|폐지|축소|최소한으로만|안\s?된다|안\s?해도|말아야/gu;
const hedges =
  /수\s?있|등[을의이에은\s,]|등$|필요한|적절한|적정한|고려|위한|위해|통해|따라|바탕으로|기반으로|가능성|도움|강화|보호|관리|체계|정기적|주기적|사전에|지속적/gu;
const duties = /하여야|해야|의무|필수|요구된다|준수/gu;

export function overstatement(text: string): number {
  return count(text, overstatements);
}

export function denial(text: string): number {
  return count(text, denials);
}

export function hedge(text: string): number {
  return count(text, hedges);
}

export function duty(text: string): number {
  return count(text, duties);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
