import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profileTool } from '../detectors/catalog/capabilities.ts';
import { call, exampleRecords, result, tools, toProvenance } from '../detectors/example_events.ts';
import { createRenamer } from './renamed_tools.ts';

const eventOf = (raw: Parameters<typeof exampleRecords>[1][number]) => toProvenance(exampleRecords('s', [raw])[0], 0);

describe('a renamer', () => {
  it('gives a name the same word in calls, results, definitions and data sources', () => {
    const renamer = createRenamer(1);
    const [server, tool] = [renamer.word('mail'), renamer.word('send_mail')];
    expect(renamer.event(eventOf(call('mail', 'send_mail', {})))).toMatchObject({ server, tool });
    expect(renamer.event(eventOf(result('mail', 'send_mail', 'sent')))).toMatchObject({ server, tool });
    const listed = tools('mail', [{ name: 'send_mail', title: 'Send mail', annotations: { title: 'Send mail' } }]);
    expect(renamer.event(eventOf(listed)).tools).toEqual([{ name: tool, title: tool, annotations: { title: tool } }]);
    const read = { ...result('mail', 'read', ''), data_sources: ['mail:inbox', 'mail', 'mailing:list'] };
    const uris = renamer.event(eventOf(read)).data_sources?.map(({ uri }) => uri);
    expect(uris).toEqual([`${server}:inbox`, server, 'mailing:list']);
  });

  it('leaves descriptions, schemas, parameters and contents, also where they mention a name', () => {
    const definition = {
      name: 'send_mail',
      description: 'send_mail sends a mail',
      inputSchema: { type: 'object', properties: { send_mail: { type: 'string' } } },
      annotations: { destructiveHint: true },
    };
    const renamer = createRenamer(1);
    const listed = renamer.event(eventOf(tools('mail', [definition]))).tools;
    expect(listed).toEqual([{ ...definition, name: renamer.word('send_mail') }]);
    const params = { mail: 'send_mail', to: ['mail'] };
    expect(renamer.event(eventOf(call('mail', 'send_mail', params))).params).toEqual(params);
    expect(renamer.event(eventOf(result('mail', 'send_mail', 'use send_mail of mail'))).content).toBe(
      'use send_mail of mail',
    );
    expect(renamer.event(eventOf({ type: 'prompt', content: 'call send_mail' })).content).toBe('call send_mail');
  });

  it('renames what an approval was asked for when that is a tool, and nothing else of it', () => {
    const renamer = createRenamer(1);
    const tool = renamer.word('send_mail');
    const approval = (action: string) =>
      eventOf({ type: 'approval', approval: { action, decision: 'granted', decided_at: '2026-01-15T09:00:00Z' } });
    expect(renamer.event(approval('send_mail')).rest.approval).toMatchObject({ action: tool, decision: 'granted' });
    expect(renamer.event(approval('the whole plan')).rest.approval).toMatchObject({ action: 'the whole plan' });
  });

  it('leaves the event that it was given', () => {
    const event = eventOf({ ...tools('mail', [{ name: 'send_mail' }]), data_sources: ['mail:inbox'] });
    const before = structuredClone(event);
    createRenamer(1).event(event);
    expect(event).toEqual(before);
  });

  it('gives no word to an event without tool and server', () => {
    const event = eventOf({ type: 'prompt', content: 'hello', server: '' });
    expect(createRenamer(1).event(event)).toEqual(event);
  });

  it('gives every name a word of its own that says nothing about what the tool does', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 50 }), fc.integer(), (names, seed) => {
        const renamer = createRenamer(seed);
        const words = names.map(renamer.word);
        expect(new Set(words).size).toBe(names.length);
        for (const word of words) expect(profileTool(word)).toEqual(profileTool('zzz'));
      }),
    );
  });

  it('keeps words apart among very many names', () => {
    const renamer = createRenamer(1);
    const words = Array.from({ length: 30_000 }, (_, at) => renamer.word(`tool_${at}`));
    expect(new Set(words).size).toBe(words.length);
  });

  it('gives the same words for the same seed in any order, and others for another seed', () => {
    const [one, other, third] = [createRenamer(7), createRenamer(7), createRenamer(8)];
    const names = ['get_page', 'post_page', 'mail'];
    const words = new Map([...names].reverse().map((name) => [name, other.word(name)]));
    expect(names.map(one.word)).toEqual(names.map((name) => words.get(name)));
    expect(names.map(third.word)).not.toEqual(names.map(one.word));
  });
});
