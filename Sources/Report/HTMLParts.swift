/// Style and script of the page; kept apart so that each can be read as what it is.
enum HTMLParts {
  static let style = """
    :root { --ground: #fbfbf9; --ink: #1c1e21; --faint: #6a6f76; --line: #e1e2de; --card: #fff; --good: #1d7a46;
      --bad: #b3261e; --warn: #9a6700; --info: #3d5a80; --code: #f3f4f1; }
    @media (prefers-color-scheme: dark) {
      :root { --ground: #15171a; --ink: #e6e7e4; --faint: #9aa0a6; --line: #2c3035; --card: #1c1f23; --good: #5cc98a;
        --bad: #ff8a80; --warn: #e0b050; --info: #8fb3dd; --code: #22262b; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 1240px; padding: 0 20px 40px; background: var(--ground); color: var(--ink);
      font: 15px/1.5 system-ui, sans-serif; }
    header { display: flex; justify-content: space-between; align-items: center; padding: 22px 0 10px; gap: 20px; }
    h1 { font-size: 22px; margin: 0; } header p { margin: 2px 0 0; color: var(--faint); }
    #verdict { font-size: 20px; font-weight: 650; padding: 6px 18px; border-radius: 8px; border: 2px solid currentColor; }
    .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .info { color: var(--info); }
    .faint { color: var(--faint); }
    #tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 6px 0 12px; }
    .tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; min-width: 104px; }
    .tile b { display: block; font-size: 22px; line-height: 1.25; } .tile span { color: var(--faint); font-size: 13px; }
    #problems div { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--bad);
      border-radius: 6px; padding: 8px 12px; margin: 6px 0; }
    nav { position: sticky; top: 0; background: var(--ground); padding: 10px 0; display: flex; flex-wrap: wrap; gap: 10px;
      align-items: center; border-bottom: 1px solid var(--line); z-index: 2; }
    #search { font: inherit; padding: 6px 10px; width: 320px; border: 1px solid var(--line); border-radius: 6px;
      background: var(--card); color: inherit; }
    .chip { font: inherit; font-size: 13px; border: 1px solid var(--line); background: var(--card); color: inherit;
      border-radius: 999px; padding: 3px 11px; margin-right: 4px; cursor: pointer; }
    .chip[aria-pressed="true"] { border-color: var(--ink); font-weight: 600; }
    #count { margin-left: auto; color: var(--faint); font-size: 13px; }
    .group { margin-top: 18px; } .group h2 { font-size: 16px; margin: 0 0 4px; display: flex; gap: 10px; align-items: baseline; }
    .group h2 small { font-weight: 400; color: var(--faint); }
    .case { background: var(--card); border: 1px solid var(--line); border-top-width: 0; }
    .case:first-of-type { border-top-width: 1px; border-radius: 6px 6px 0 0; } .case:last-of-type { border-radius: 0 0 6px 6px; }
    .case > button { all: unset; display: grid; grid-template-columns: 108px minmax(0, 1fr) auto; gap: 12px; width: 100%;
      padding: 6px 12px; cursor: pointer; box-sizing: border-box; }
    .case > button:focus-visible { outline: 2px solid var(--info); outline-offset: -2px; }
    .case .v { font-weight: 600; font-size: 13px; padding-top: 1px; } .case .t { overflow-wrap: anywhere; }
    .case .t code { font-size: 12.5px; color: var(--faint); } .case .r { color: var(--faint); font-size: 13px; white-space: nowrap; }
    .notes { white-space: pre-wrap; overflow-wrap: anywhere; font: 12.5px/1.5 ui-monospace, monospace; background: var(--code);
      border-radius: 6px; padding: 8px 12px; margin: 4px 0 8px; }
    .detail { padding: 2px 14px 14px; border-top: 1px dashed var(--line); }
    .fault { border-left: 4px solid var(--bad); padding: 4px 10px; margin: 8px 0; background: var(--code); overflow-wrap: anywhere; }
    .req { margin: 6px 0; } .req b { font-weight: 600; }
    .again { display: flex; gap: 8px; align-items: center; margin: 8px 0; }
    .again code { background: var(--code); padding: 3px 8px; border-radius: 4px; overflow-wrap: anywhere; font-size: 12.5px; }
    .again button { font: inherit; font-size: 12px; border: 1px solid var(--line); background: var(--card); color: inherit;
      border-radius: 4px; cursor: pointer; }
    .ladder { overflow-x: auto; margin-top: 8px; border: 1px solid var(--line); border-radius: 6px; }
    .ladder table { border-collapse: collapse; width: 100%; font: 12.5px/1.5 ui-monospace, monospace; }
    .ladder td, .ladder th { padding: 2px 8px; vertical-align: top; text-align: left; border-bottom: 1px solid var(--line); }
    .ladder td:first-child { text-align: right; color: var(--faint); white-space: nowrap; }
    .ladder td.a { white-space: nowrap; font-weight: 600; } .ladder td.m { overflow-wrap: anywhere; max-width: 820px; }
    .ladder tr.in td.d { color: var(--info); } .ladder tr.out td.d { color: var(--good); } .ladder tr.note td { color: var(--faint); }
    .new { font-size: 11.5px; border: 1px solid currentColor; border-radius: 4px; padding: 0 5px; margin-left: 6px; }
    footer { margin-top: 26px; color: var(--faint); font-size: 13px; }
    """

  static let script = """
    'use strict';
    const events = document.getElementById('events').textContent.trim().split('\\n').map(JSON.parse);
    const last = JSON.parse(document.getElementById('last').textContent);
    const started = events.find(e => e.event === 'started'), ended = events.find(e => e.event === 'ended');
    const tone = { pass: 'good', fail: 'bad', error: 'bad', flaky: 'warn', 'non-strict': 'warn', informational: 'info',
      unsupported: 'faint', skipped: 'faint' };
    const order = ['fail', 'error', 'flaky', 'non-strict', 'informational', 'pass', 'unsupported', 'skipped'];
    function el(tag, props, ...kids) {
      const node = Object.assign(document.createElement(tag), props || {});
      for (const kid of kids) if (kid !== null && kid !== undefined) node.append(kid);
      return node;
    }
    function time(ms) { return ms < 1000 ? Math.round(ms) + ' ms' : (ms / 1000).toFixed(ms < 10000 ? 2 : 0) + ' s'; }
    document.title = 'chumgate ' + started.subject + ': ' + started.target;
    document.getElementById('title').textContent = started.subject + ': ' + started.target;
    document.getElementById('subtitle').textContent = started.transport + ', profile ' + started.profile + ', seed '
      + started.seed + ', ' + new Date(started.startedAt * 1000).toISOString().replace('T', ' ').slice(0, 16) + ' UTC';
    const verdict = document.getElementById('verdict');
    const words = { 0: 'pass', 1: 'failures', 3: 'unreachable', 4: 'nothing ran', 5: 'stale expectations', 7: 'flaky' };
    verdict.textContent = words[ended.exitCode] || 'exit code ' + ended.exitCode;
    verdict.className = ended.exitCode === 0 ? 'good' : ended.exitCode === 7 ? 'warn' : 'bad';
    const tiles = document.getElementById('tiles');
    function tile(number, text, cls) { tiles.append(el('div', { className: 'tile' }, el('b', { className: cls || '', textContent: number }), el('span', { textContent: text }))); }
    tile(ended.ran, 'cases run in ' + time(ended.timeMs));
    for (const v of order) if (ended.counts[v]) tile(ended.counts[v], v, tone[v]);
    if (ended.expectedFailures) tile(ended.expectedFailures, 'failures expected');
    const problems = document.getElementById('problems');
    if (ended.unreachable) problems.append(el('div', { textContent: 'Unreachable: ' + ended.unreachable }));
    for (const s of ended.stale) problems.append(el('div', { textContent: 'Stale expectation ' + s.id + ' (' + s.place + '): ' + s.reason }));
    const groups = [];
    for (const e of events) {
      if (e.event === 'group') groups.push({ info: e, results: [], error: null });
      else if (e.event === 'result') groups[groups.length - 1].results.push(e);
      else if (e.event === 'groupEnded' && e.error) groups[groups.length - 1].error = e.error;
    }
    for (const g of groups) if (g.error) problems.append(el('div', { textContent: g.info.name + ': ' + g.error }));
    function change(r) {
      if (!last) return null;
      if (!(r.id in last)) return 'new';
      return last[r.id] === r.verdict ? null : 'was ' + last[r.id];
    }
    if (last) {
      const ids = new Set(groups.flatMap(g => g.results.map(r => r.id)));
      const gone = Object.keys(last).filter(id => !ids.has(id)).length;
      const changes = groups.flatMap(g => g.results).filter(change).length;
      tile(changes, 'changed since the last run', changes ? 'info' : '');
      if (gone) tile(gone, 'no longer in the run', 'faint');
    }
    function ladder(log) {
      const body = el('tbody');
      for (const [t, actor, way, text] of log) {
        const cls = way === '<' ? 'in' : way === '>' ? 'out' : 'note';
        const sign = way === '<' ? '\\u25c0\\u2500\\u2500 target' : way === '>' ? '\\u2500\\u2500\\u25b6 target' : '';
        body.append(el('tr', { className: cls }, el('td', { textContent: (Math.round(t * 10) / 10) + ' ms' }),
          el('td', { className: 'a', textContent: actor }), el('td', { className: 'd', textContent: sign }),
          el('td', { className: 'm', textContent: text })));
      }
      return el('div', { className: 'ladder' }, el('table', {}, body));
    }
    function detail(r) {
      const box = el('div', { className: 'detail' });
      if (r.note) box.append(el('p', { className: 'faint', textContent: r.note }));
      if (r.expected) box.append(el('p', { className: 'warn', textContent: 'Expected: ' + r.expected }));
      for (const f of r.faults) box.append(el('div', { className: 'fault', textContent: f }));
      if (r.behaviour !== r.close) box.append(el('p', { textContent: 'Behaviour: ' + r.behaviour + ', close: ' + r.close }));
      for (const q of r.requirements)
        box.append(el('div', { className: 'req' }, el('b', { textContent: q.id }), ' ', el('span', { className: 'faint',
          textContent: '(' + [q.level, q.kind, q.severity, q.source].filter(Boolean).join(', ') + ')' }), ' ' + q.text));
      const code = el('code', { textContent: r.repeat });
      const copy = el('button', { textContent: 'copy', onclick: () => navigator.clipboard && navigator.clipboard.writeText(r.repeat) });
      box.append(el('div', { className: 'again' }, el('span', { className: 'faint', textContent: 'again:' }), code, copy));
      box.append(el('p', { className: 'faint', textContent: r.place + ' \\u00b7 binds: ' + r.binds + ' \\u00b7 '
        + time(r.protocolTimeMs) + ' of protocol time' + (r.attempts > 1 ? ' \\u00b7 done ' + r.attempts + ' times' : '') }));
      if (r.log.length) box.append(ladder(r.log));
      return box;
    }
    const main = document.getElementById('groups'), rows = [];
    for (const g of groups) {
      const counts = order.map(v => [v, g.results.filter(r => r.verdict === v).length]).filter(c => c[1]);
      const head = el('h2', {}, g.info.name, el('small', { textContent: g.info.title }));
      for (const [v, n] of counts) head.append(el('small', { className: tone[v], textContent: n + ' ' + v }));
      const section = el('section', { className: 'group' }, head);
      if (g.info.notes && g.info.notes.length) section.append(el('pre', { className: 'notes', textContent: g.info.notes.join('\\n') }));
      for (const r of g.results) {
        const what = change(r);
        const title = el('span', { className: 't' }, r.title + ' ', el('code', { textContent: r.id }));
        if (what) title.append(el('span', { className: 'new info', textContent: what }));
        const button = el('button', {}, el('span', { className: 'v ' + tone[r.verdict], textContent: r.verdict }), title,
          el('span', { className: 'r', textContent: r.requirements.map(q => q.id).join(' ') }));
        button.setAttribute('aria-expanded', 'false');
        const node = el('div', { className: 'case' }, button);
        button.onclick = () => {
          const open = node.querySelector('.detail');
          if (open) open.remove(); else node.append(detail(r));
          button.setAttribute('aria-expanded', String(!open));
        };
        const text = [r.id, r.title, r.verdict, ...r.tags, ...r.requirements.map(q => q.id), ...r.faults].join(' ').toLowerCase();
        rows.push({ node, section, r, what, text, button });
        section.append(node);
      }
      main.append(section);
    }
    const search = document.getElementById('search'), changed = document.getElementById('changed'), chosen = new Set();
    const chips = document.getElementById('chips');
    for (const v of order) {
      if (!ended.counts[v]) continue;
      const chip = el('button', { className: 'chip ' + tone[v], textContent: v });
      chip.setAttribute('aria-pressed', 'false');
      chip.onclick = () => {
        if (chosen.has(v)) chosen.delete(v); else chosen.add(v);
        chip.setAttribute('aria-pressed', String(chosen.has(v)));
        show();
      };
      chips.append(chip);
    }
    if (!last) changed.parentElement.hidden = true;
    function show() {
      const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
      let count = 0;
      const alive = new Set();
      for (const row of rows) {
        const on = words.every(w => row.text.includes(w)) && (!chosen.size || chosen.has(row.r.verdict)) && (!changed.checked || row.what);
        row.node.hidden = !on;
        if (on) { count += 1; alive.add(row.section); }
      }
      for (const section of main.children) section.hidden = !alive.has(section);
      document.getElementById('count').textContent = count + ' of ' + rows.length + ' cases';
    }
    search.oninput = show; changed.onchange = show;
    if (location.hash.length > 1) search.value = decodeURIComponent(location.hash.slice(1));
    show();
    for (const row of rows.filter(row => ['fail', 'error', 'flaky'].includes(row.r.verdict)).slice(0, 3)) row.button.click();
    document.onkeydown = e => {
      if (e.key === '/' && document.activeElement !== search) { e.preventDefault(); search.focus(); return; }
      if (document.activeElement === search) return;
      const visible = rows.filter(row => !row.node.hidden).map(row => row.button);
      const at = visible.indexOf(document.activeElement);
      if (e.key === 'j') (visible[at + 1] || visible[0])?.focus();
      if (e.key === 'k') (visible[at - 1] || visible[visible.length - 1])?.focus();
    };
    """
}
