// A small application with the shapes of ONE's functions, for the test of emit.js. Its first argument names a fault to plant.
const chumgateLog = require('./emit.js');
const { createHash } = require('crypto');
const hash = (text) => createHash('sha256').update(text).digest('hex');
const idHash = (id, owner) =>
  hash(
    `<div data-id-object="true" itemscope itemtype="//refin.io/ChannelInfo"><span itemprop="id">${id.replace(/</g, '&lt;').replace(/>/g, '&gt;')}</span>` +
      `${owner ? `<a itemprop="owner" data-type="id">${owner}</a>` : ''}</div>`
  );
const fault = process.argv[2] ?? '';
const chumgate = chumgateLog('app', (line) => console.log(line));

const [me, other, iom, everyone, profile] = ['me', 'other', 'IoM', 'everyone', 'profile'].map(hash);
const granted = new Map();
const access = {
  async createAccess(requests) {
    return requests.map((request) => {
      const subject = request.id ?? request.object;
      const old = granted.get(subject);
      const merge = (name) => [...new Set([...(request.mode === 'add' ? old?.[name] ?? [] : []), ...(request[name] ?? [])])];
      const obj = { $type$: request.id ? 'IdAccess' : 'Access', person: merge('person'), group: merge('group') };
      const status = old && JSON.stringify(old) === JSON.stringify(obj) ? 'exists' : 'new';
      granted.set(subject, obj);
      return { obj, hash: hash(JSON.stringify(obj)), idHash: hash(subject), status };
    });
  },
};
const storage = {
  storeVersionedObject: async (o) => ({ hash: hash(JSON.stringify(o)), idHash: hash(`id ${o.name ?? o.id}`), status: 'new' }),
  storeUnversionedObject: async (o) => ({ hash: hash(JSON.stringify(o)), status: 'new' }),
};
const listeners = [];
const manager = {
  async createChannel() {},
  async postToChannel(id, data, owner) {
    const { hash: dataHash } = await storage.storeUnversionedObject(data);
    const entry = { channelEntryHash: hash(`entry ${dataHash}`), creationTimeHash: hash(`time ${dataHash}`), creationTime: 1795386228751, dataHash, isNew: true };
    if (fault !== 'silent') for (const listener of listeners) listener(idHash(id, owner), id, owner ?? null, entry.creationTime, [entry]);
  },
  onUpdated: (listener) => listeners.push(listener),
};
const plugins = ['websocket', 'statistics', 'encryption', 'keepalive', 'fragmentation'].map((name) => ({
  name,
  transformIncomingEvent: (event) => (name === 'encryption' ? { type: 'message', data: 'synchronisation' } : event),
  transformOutgoingEvent: (event) => event,
}));
if (fault === 'swallow') plugins.push({ name: 'ChumPlugin', transformIncomingEvent: () => null, transformOutgoingEvent: (event) => event });
const protocol = { message: () => undefined };

async function run() {
  chumgate.grants(access, fault === 'component' ? 'CommServerManager' : 'LeuteAccessRightsManager');
  chumgate.stores(storage, 'storeVersionedObject');
  chumgate.stores(storage, 'storeUnversionedObject');
  chumgate.channels(manager, idHash, 'TopicModel');
  chumgate.log('identityReady', { person: me, profile, groups: { iom, everyone } });
  await access.createAccess([{ id: profile, person: [], group: [everyone], mode: 'add' }]);
  await storage.storeVersionedObject({ $type$: 'Group', name: 'everyone', person: new Set([other]) });

  plugins.forEach((plugin, index) => chumgate.plugin(plugin, index, 'c1'));
  chumgate.handler(protocol, 'message', 'c1');
  const event = plugins.reduce((e, plugin) => e && plugin.transformIncomingEvent(e), { type: 'message', data: new Uint8Array(40) });
  if (event) protocol.message(event.data);
  chumgate.log('chumStarted', { conn: 'c1', localPerson: me, remotePerson: other, groupPolicy: 'evaluated' });

  const id = [me, other].sort().join('<->');
  await manager.createChannel(id, null);
  const channel = idHash(id);
  const topic = await storage.storeUnversionedObject({ $type$: 'Topic', id, channel });
  const both = { person: [me, other], group: [], mode: 'add' };
  if (fault !== 'late') await access.createAccess([{ id: channel, ...both }, { object: topic.hash, ...both }]);
  let first = true;
  manager.onUpdated((channelHash) => {
    if (first) access.createAccess([{ id: channelHash, person: [], group: [iom], mode: 'add' }, { object: topic.hash, person: [], group: [iom], mode: 'add' }]);
    first = false;
  });
  await manager.postToChannel(id, { $type$: 'ChatMessage', text: 'hello', sender: me });
  await new Promise((resolve) => setImmediate(resolve));
  if (fault === 'duplicate') await access.createAccess([{ id: channel, person: [other], group: [], mode: 'add' }]);
  chumgate.log('storeSnapshot', { when: 'end', groups: { [everyone]: [other] } });
  console.log(JSON.stringify({ wall: Date.now() + 20000, log: 'chumEnded', peer: 'app', conn: 'c1', outcome: 'closed' }));
}
run();
