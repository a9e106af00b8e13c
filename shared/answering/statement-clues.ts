/**
 * What in a statement can be held against a text word by word: quantities with their units, bodies that act, and
 * whether the statement only says that all the others hold.
 */

const quantities =
  /(\d[\d,.]{0,15}|[일이삼사오육칠팔구십백천만]{1,3}(?=\s?(?:개월|년|회|명|인)))\s*(%|퍼센트|년|개월|월|주일?|일|시간|분|초|만원|천만원|억원|원|회|명|인|배|자리|등급|비트|차례)/gu;
const bodies =
  /[가-힣]{1,12}(?:위원회|위원장|감독원장?|보안원장?|진흥원장?|결제원장?|연구원장?|장관|청장|처장|원장|대통령|총리|은행장?|협회장?|공사|법원|검찰총장|사업자|금융회사|책임자|보호책임자|이사회|대표이사|최고경영자|이용자|정보주체|신탁업자|투자업자)/gu;
const all =
  /^(?:위|이상|앞)?[\s의에]*(?:모두|전부|모든\s?것|①|②|③)[\s\S]{0,12}$|^(?:모두|전부)\s?(?:맞|옳|해당|틀|아니)|^(?:위|이상)의?\s?(?:보기|내용|사항)?\s?(?:모두|전부)/u;

/** `30일`, `3개월`, `5%`, each once, without white space and thousands separators. */
export function quantitiesOf(text: string): string[] {
  return [...new Set([...text.matchAll(quantities)].map(([, number, unit]) => `${bare(number)}${unit}`))];
}

/** The unit of a quantity: what is left without its number. */
export function unitOf(quantity: string): string {
  return quantity.replace(/^[\d.]+|^[일이삼사오육칠팔구십백천만]+(?=개월|년|회|명|인)/u, '');
}

/** Names of those who act or are acted on: `금융위원회`, `정보보호최고책임자`. */
export function bodiesOf(text: string): string[] {
  return [...new Set([...text.matchAll(bodies)].map(([body]) => body))];
}

/** `모두 해당한다`, `위 모두`: true only where all the others are. */
export function saysAll(text: string): boolean {
  return text.length <= 24 && all.test(text.trim());
}

function bare(number = ''): string {
  return number.replace(/[,.]$/u, '').replaceAll(',', '');
}
