import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Lexeme, lexemeOf } from './lexicon.ts';
import { SentenceWords } from './sentence_words.ts';

const VOCABULARY = 'invoice ledger harbour lantern meadow orchid pebble quartz ribbon saddle'.split(' ').map(lexemeOf);
const word = fc.constantFrom(...VOCABULARY);
const sentence = fc.array(word, { maxLength: 6 });

function fill(sentences: readonly (readonly Lexeme[])[]): SentenceWords {
  const words = new SentenceWords();
  for (const sentence of sentences) {
    for (const word of sentence) words.add(word);
    words.end();
  }
  return words;
}

function idsOf(sentences: readonly (readonly Lexeme[])[], word: Lexeme, first_id: number): number[] {
  return sentences.flatMap((sentence, id) => (id >= first_id && sentence.includes(word) ? [id] : []));
}

it('finds the sentences that hold a word as a search through all of them does, also after the oldest were forgotten', () => {
  fc.assert(
    fc.property(fc.array(sentence, { maxLength: 80 }), fc.array(word), fc.nat(), (sentences, wanted, some) => {
      const words = fill(sentences);
      const forgotten = sentences.length === 0 ? 0 : some % (sentences.length + 1);
      if (forgotten > 0) words.forget(forgotten);
      const holders = words.holding(wanted);
      expect([...holders.keys()].sort()).toEqual([...new Set(wanted.map(({ key }) => key))].sort());
      for (const word of wanted) expect(holders.get(word.key)).toEqual(idsOf(sentences, word, forgotten));
    }),
  );
});

it('tells words apart whose keys share their low half', () => {
  const [one, other] = VOCABULARY as [Lexeme, Lexeme];
  const twin = { ...other, key_low: one.key_low, key_high: one.key_high + 1 };
  const key = twin.key_high * 2 ** 32 + (twin.key_low >>> 0);
  const words = fill([[one], [twin]]);
  expect(words.holding([one, { ...twin, key }])).toEqual(
    new Map([
      [one.key, [0]],
      [key, [1]],
    ]),
  );
});

it('names no more sentences of a word that stands in very many', () => {
  const [one] = VOCABULARY as [Lexeme];
  const words = fill(Array.from({ length: 300 }, () => [one]));
  expect(words.holding([one]).get(one.key)).toHaveLength(256);
});

it('knows what it was asked before only for that one question', () => {
  const [one, other] = VOCABULARY as [Lexeme, Lexeme];
  const words = fill([[one, other]]);
  words.holding([one]);
  expect([...words.holding([other]).keys()]).toEqual([other.key]);
});
