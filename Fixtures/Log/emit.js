// Paste into your application (CommonJS; in ES modules, whose exports are read-only, wrap the objects that hold the functions). `sink` gets one
// line an event: append it to NAME.log.ndjson, then `chumgate replay session.ndjson --log NAME.log.ndjson`. Members: Fixtures/Recordings/LOG.md.
function chumgateLog(peer, sink) {
  const log = (event, members = {}) => { try { sink(JSON.stringify({ wall: Date.now(), log: event, peer, ...members })); } catch (e) { console.warn('chumgate', e); } };
  const wrap = (object, name, before, after) => {
    const old = object && object[name];
    if (typeof old !== 'function') return console.warn(`chumgate: nothing to wrap is called ${name}`);
    object[name] = function (...args) {
      const note = before(...args), done = (result) => (after(result, note, ...args), result), result = old.apply(this, args);
      return result && typeof result.then === 'function' ? result.then(done) : done(result);
    };
  };
  const list = (x) => (x && typeof x !== 'string' && x[Symbol.iterator] ? [...x] : []), flat = (k, v) => (v instanceof Set || v instanceof Map ? [...v] : v);
  const hashes = (o) => [...new Set(JSON.stringify(o ?? null, flat).match(/\b[0-9a-f]{64}\b/g))], none = () => undefined;
  const shown = (e) => (e == null || e.data == null ? undefined : typeof e.data === 'string' ? e.data : { binary: e.data.byteLength ?? e.data.length });
  return { log, // log('identityReady', { person, profile, groups: { iom, everyone } }) at start, log('chumStarted', …), log('storeSnapshot', …), … where they happen
    grants: (module, by, name = 'createAccess') => wrap(module, name, Date.now, (results, started, requests) => list(requests).forEach((g, i) => {
      const made = list(results)[i], access = made && made.obj; // what createAccess was asked for, and the version that came out
      log('grantCreated', { by, subject: g.id ?? g.object, subjectKind: g.id ? 'id' : 'object', persons: list(g.person), groups: list(g.group), mode: g.mode, started,
        status: made && made.status, ...(access && { resultPersons: list(access.person), resultGroups: list(access.group) }) });
    })),
    channels: (manager, idHash, by) => { // ChannelManager; idHash(id, owner): the ID hash of that ChannelInfo, or a promise of it
      const tell = (event, more) => (id, owner) => Promise.resolve(idHash(id, owner)).then((channel) => { log(event, { channel, ...more(id, owner) }); return channel; });
      const created = tell('channelCreated', (id, owner) => ({ by, id, owner: owner ?? undefined })), appended = tell('messageAppended', () => ({}));
      wrap(manager, 'createChannel', none, (_, __, id, owner) => created(id, owner).then((channel) => log('channelVisible', { channel })));
      wrap(manager, 'postToChannel', (id, data, owner) => appended(id, owner), none);
      manager.onUpdated((channel, id, owner, earliest, data) => log('channelUpdated', { channel, id, owner: owner ?? undefined, newEntries: list(data).filter((e) => e.isNew !== false).length,
        entries: list(data).map((e) => ({ entry: e.channelEntryHash, creationTime: e.creationTimeHash, timestamp: Number(e.creationTime), data: e.dataHash })) })); },
    stores: (module, name, via = 'local') => wrap(module, name, none, (r, _, o) => { // storeVersionedObject, storeUnversionedObject
      log('objectStored', { kind: 'object', hash: r.hash, idHash: r.idHash, via, status: r.status, type: o.$type$, references: hashes(o) });
      if (o.$type$ === 'Group') log('groupChanged', { group: r.idHash, persons: list(o.person), cause: via });
      if (o.$type$ === 'Topic') log('topicCreated', { topic: r.hash, id: o.id, channel: o.channel, origin: via === 'chum' ? 'import' : 'local' });
    }),
    plugin: (p, index, conn) => { log('pluginAttached', { conn, plugin: p.name, index }); // call where connection.addPlugin is called; index −1 where it is removed
      for (const [name, dir] of [['transformIncomingEvent', 'in'], ['transformOutgoingEvent', 'out']]) if (index >= 0) wrap(p, name, shown,
        (r, before) => (before ?? shown(r)) !== undefined && log('pluginPassed', { conn, plugin: p.name, dir, before, after: shown(r) ?? 'dropped' })); },
    handler: (object, name, conn) => { log('pluginAttached', { conn, plugin: 'handler', index: 99 }); // the function that gets messages when the plugins are through
      wrap(object, name, (text) => typeof text === 'string' && log('handlerGotText', { conn, content: text }), none); } };
}
if (typeof module !== 'undefined') module.exports = chumgateLog;
