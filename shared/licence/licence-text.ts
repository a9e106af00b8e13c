/**
 * Which licence a LICENSE file holds, by the sentences that make it one.
 *
 * A text is only recognised where nothing was added: a short licence must be short, and words that take rights
 * back (`Commons Clause`, non-commercial use) make any text unknown. What is unknown is named by its own first
 * line, so that a person can judge it.
 */

/** Words with which licences of models take back what a free licence gives. */
const restrictions =
  /commons clause|non-?\s?commercial|research (?:use|purposes?) only|acceptable use policy|monthly active users/iu;

interface Known {
  name: string;
  /** All of them occur. */
  marks: readonly RegExp[];
  /** Characters that the licence has at most, white space put together; more means that something was added. */
  maxChars: number;
}

const bsd =
  /redistribution and use in source and binary forms, with or without modification, are permitted/iu;
const known: readonly Known[] = [
  {
    name: 'Apache-2.0',
    marks: [
      /^.{0,200}apache license,? version 2\.0, january 2004/iu,
      // Behind the terms, which have 9,100 characters, comes nothing but how to apply them.
      /^.{9000,9500}end of terms and conditions(?: "?appendix: how to apply.{900,1200})?$/iu,
    ],
    maxChars: 10_700,
  },
  {
    name: 'MIT',
    marks: [
      /permission is hereby granted, free of charge, to any person obtaining a copy of this software/iu,
      /the above copyright notice and this permission notice shall be included/iu,
    ],
    maxChars: 1_500,
  },
  { name: 'BSD-3-Clause', marks: [bsd, /be used to endorse or promote products/iu], maxChars: 2_000 },
  { name: 'BSD-2-Clause', marks: [bsd], maxChars: 1_700 },
  {
    name: 'ISC',
    marks: [
      /permission to use, copy, modify, and\/?(?:or)? distribute this software for any purpose with or/iu,
    ],
    maxChars: 1_000,
  },
  {
    name: 'Unlicense',
    marks: [/this is free and unencumbered software released into the public domain/iu],
    maxChars: 1_500,
  },
];

/** The Creative Commons name of a legal code, from its title. */
const creativeCommons =
  /^.{0,200}?\b(?:(CC0)|Attribution((?:-NonCommercial|-NoDerivatives|-NoDerivs|-ShareAlike)*)) (\d\.\d) (?:Universal|International)/iu;

/** The name of the licence in `text`, or its first line in quotation marks where the licence is not known. */
export function licenceOfText(text: string): string {
  const flat = text.replace(/\s+/gu, ' ').trim();
  const creative = creativeCommons.exec(flat);
  if (creative) return creativeName(creative);
  if (!restrictions.test(flat)) {
    const found = known.find(
      ({ marks, maxChars }) => flat.length <= maxChars && marks.every((mark) => mark.test(flat)),
    );
    if (found) return found.name;
  }
  const [line = ''] = text.split('\n').filter((each) => each.trim() !== '');
  return `"${line.trim().slice(0, 60)}"`;
}

function creativeName([, zero, terms = '', version = '']: RegExpExecArray): string {
  if (zero) return `CC0-${version}`;
  const short: Record<string, string> = {
    noncommercial: 'NC',
    noderivatives: 'ND',
    noderivs: 'ND',
    sharealike: 'SA',
  };
  const parts = terms
    .toLowerCase()
    .split('-')
    .flatMap((term) => short[term] ?? []);
  return ['CC-BY', ...parts, version].join('-');
}
