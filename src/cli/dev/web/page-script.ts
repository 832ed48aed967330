/**
 * The script of the page. Plain JavaScript in a text, since the build copies no files; it writes no backtick and
 * no dollar brace. Whatever comes from outside is only ever shown with textContent.
 */
export const PAGE_SCRIPT = String.raw`'use strict';
const POLL_MS = 1000;
const SHOWN_REPORTS = 40;
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en-US');
const shown = new Map();
let after = null;
let next = null;

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'onclick') node.addEventListener('click', value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const time = (iso) => iso.slice(0, 19).replace('T', ' ');
/** To the minute; what is below it, the reader's pointer shows. */
const instant = (iso) => element('time', { datetime: iso, title: time(iso) }, iso.slice(0, 16).replace('T', ' '));
const span = (start, end) => [instant(start), ' – ', end === null ? 'open' : instant(end)];
const number_cell = (text) => element('td', { class: 'number' }, text);

/** Writes a part of the page anew when it has changed; keeps what is unfolded and where the focus is. */
function render(id, data, build) {
  const text = JSON.stringify(data);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const target = $(id);
  const focused = target.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = new Set([...target.querySelectorAll('details[open]')].map((node) => node.dataset.key));
  target.replaceChildren(...build(data));
  for (const node of target.querySelectorAll('[data-key]')) {
    if (open.has(node.dataset.key)) node.open = true;
    if (node.dataset.key === focused) node.focus();
  }
}

function say(text) { $('message').textContent = text; }

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (response.ok) return body;
  // The API tells problems in its own shape.
  const message = body.error ? body.error.message : body.detail;
  const remedy = body.error ? body.error.remedy : body.remedy;
  throw new Error(message.endsWith(remedy) ? message : message + ' ' + remedy);
}

const post = (path, body) => call(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

/** Runs what a button does, says what failed, and shows the new state at once. */
async function act(run) {
  try {
    say('');
    await run();
    await refresh();
  } catch (error) {
    say(error.message);
  }
}

function accountCard(account) {
  const buttons = [1, 10, 1000].map((quantity) => element('button', {
    type: 'button', 'data-key': JSON.stringify([account.account, quantity]),
    'aria-label': 'Count ' + number.format(quantity) + ' credits for ' + account.account,
    onclick: () => act(() => post('/v1/usage', { account: account.account, quantity })),
  }, '+ ' + number.format(quantity)));
  const plan = account.plan === null ? 'no plan yet' : 'plan ' + account.plan;
  const customer = account.stripe_customer === null ? '' : ' · ' + account.stripe_customer;
  return element('article', {},
    element('header', {},
      element('h3', {}, account.account, ' ', element('small', {}, plan + customer)),
      element('div', { class: 'buttons' }, ...buttons, element('small', {}, 'credits'))),
    element('div', { class: 'scroll' }, element('table', {},
      element('thead', {}, element('tr', {}, ...['Meter', 'Billing period (UTC)'].map((name) => element('th', { scope: 'col' }, name)),
        ...['Quantity', 'Reported', 'Pending', 'Cost'].map((name) => element('th', { scope: 'col', class: 'number' }, name)))),
      element('tbody', {}, ...account.periods.flatMap(periodRows)))),
    ...account.periods.filter((period) => period.reports.length > 0).map((period) => reportsOf(account, period)));
}

/** How the cost comes about is a row of its own: it may be longer than the column. */
function periodRows(period) {
  const { is_current, cost_text, cost_state } = period;
  const cells = [
    ['Meter', null, period.meter],
    ['Billing period', null, ...span(period.period_start, period.period_end), is_current ? null : element('small', {}, ' ended')],
    ['Quantity', 'number', number.format(period.quantity)],
    ['Reported', 'number', number.format(period.reported_quantity)],
    ['Pending', 'number', number.format(period.pending_quantity)],
    ['Cost', 'number', cost_text, element('small', {}, (cost_text === null ? '' : ' ') + cost_state)],
  ];
  const row = element('tr', { class: is_current ? null : 'dim' },
    ...cells.map(([name, kind, ...content]) => element('td', { class: kind, 'data-name': name }, element('div', {}, ...content))));
  const lines = period.cost_lines.map((line) => element('div', {}, element('small', {}, line)));
  return lines.length === 0 ? [row] : [row, element('tr', { class: 'explained' }, element('td', { class: 'number', colspan: cells.length }, ...lines))];
}

function reportsOf(account, period) {
  const reports = period.reports.slice(-SHOWN_REPORTS);
  const rows = reports.map((report) => element('tr', {},
    element('td', {}, '#' + report.report_id),
    element('td', {}, ...span(report.period_start, report.period_end)),
    number_cell(number.format(report.quantity)),
    element('td', { class: report.status === 'failed' || report.status === 'held' ? 'bad' : null },
      report.status + (report.reason === null ? '' : ' (' + report.reason + ')') + (report.late ? ', late' : '')),
    element('td', {}, ...(report.reported_at === null ? [report.last_error || ''] : ['at ', instant(report.reported_at)]))));
  const since = period.is_current ? '' : ', ended ' + period.period_end.slice(0, 10);
  const title = 'Reports of ' + period.meter + since + ' (' + period.reports.length + ')';
  return element('details', { 'data-key': JSON.stringify([account.account, period.meter, period.period_start]) },
    element('summary', {}, title), element('div', { class: 'scroll' }, element('table', {}, element('tbody', {}, ...rows))));
}

function importItem(state) {
  const seconds = Math.max(state.duration_ms, 1) / 1000;
  const counts = number.format(state.rows) + ' rows: ' + number.format(state.recorded) + ' recorded, ' +
    number.format(state.duplicate) + ' duplicate, ' + number.format(state.refused) + ' refused' +
    (state.empty > 0 ? ', ' + number.format(state.empty) + ' of quantity 0' : '');
  const speed = ' · ' + number.format(Math.round(state.rows / seconds)) + ' rows/s';
  return element('article', {},
    element('h3', {}, state.name, ' ', element('small', {}, state.state)),
    element('p', {}, counts + speed),
    state.error === null ? null : element('p', { class: 'bad' }, state.error),
    ...state.notes.map((note) => element('p', {}, element('small', {}, note))),
    state.refusals.length === 0 ? null : element('ul', {}, ...state.refusals.map(({ line, reason }) => element('li', { class: 'bad' }, 'Line ' + line + ': ' + reason))));
}

function invoiceCard(invoice) {
  return element('article', {},
    element('header', {},
      element('h3', {}, (invoice.account || 'no account') + ' · ' + invoice.total + ' ', element('small', {}, invoice.status + ' · ' + (invoice.number || invoice.id))),
      element('small', {}, time(invoice.created))),
    element('div', { class: 'scroll' }, element('table', {}, element('tbody', {}, ...invoice.lines.map((line) => element('tr', {},
      element('td', {}, line.description),
      element('td', {}, element('small', {}, ...span(line.period_start, line.period_end))),
      number_cell(line.amount_text)))))));
}

async function refresh() {
  const query = after === null ? '' : '?after=' + encodeURIComponent(after);
  const [state, { invoices }] = await Promise.all([call('/api/state' + query), call('/api/invoices')]);
  next = state.next;
  $('now').textContent = time(state.clock.now);
  $('now').dateTime = state.clock.now;
  $('stripe').textContent = state.stripe_url;
  const { moving } = state.clock;
  const part = moving && (Date.parse(state.clock.now) - Date.parse(moving.from)) / Math.max(1, Date.parse(moving.to) - Date.parse(moving.from));
  $('moving').textContent = moving ? 'moving to ' + time(moving.to) + ', ' + Math.min(99, Math.max(0, Math.floor(part * 100))) + ' %' : '';
  for (const button of document.querySelectorAll('[data-move]')) button.disabled = moving !== null;
  $('more').hidden = next === null;
  $('first').hidden = after === null;
  render('accounts', state.accounts, (accounts) => accounts.map(accountCard));
  render('imports', state.imports, (imports) => imports.map(importItem));
  render('invoices', invoices, (list) => list.length === 0 ? [element('p', {}, 'None yet.')] : list.map(invoiceCard));
}

async function poll() {
  try {
    await refresh();
    if ($('message').dataset.lost) { delete $('message').dataset.lost; say(''); }
  } catch (error) {
    $('message').dataset.lost = '1';
    say(error instanceof TypeError ? 'Tallybook dev has stopped. Start it again and this page continues.' : error.message);
  }
  setTimeout(poll, POLL_MS);
}

async function importFile(file) {
  await call('/api/imports?name=' + encodeURIComponent(file.name), { method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: file });
}

for (const button of document.querySelectorAll('[data-move]')) {
  button.addEventListener('click', () => act(() => post('/api/clock', { to: button.dataset.move })));
}
$('more').addEventListener('click', () => { after = next; act(async () => {}); });
$('first').addEventListener('click', () => { after = null; act(async () => {}); });
$('meter').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const key = form.get('idempotency_key');
  $('metered').textContent = '';
  act(async () => {
    const usage = { account: form.get('account'), meter: form.get('meter'), quantity: Number(form.get('quantity')) };
    const result = await post('/v1/usage', key === '' ? usage : { ...usage, idempotency_key: key });
    $('metered').textContent = result.duplicate ? 'Counted before with this key.' : result.recorded ? 'Counted.' : 'Nothing to count.';
  });
});
$('file').addEventListener('change', (event) => {
  const [file] = event.target.files;
  if (file) act(() => importFile(file));
  event.target.value = '';
});
for (const name of ['dragover', 'dragleave', 'drop']) {
  $('drop').addEventListener(name, (event) => {
    event.preventDefault();
    $('drop').classList.toggle('over', name === 'dragover');
    if (name === 'drop') for (const file of event.dataTransfer.files) act(() => importFile(file));
  });
}
$('curl').textContent = 'curl ' + location.origin + "/v1/usage -H 'content-type: application/json' \\\n  -d '" +
  JSON.stringify({ account: 'acme', quantity: 10, idempotency_key: 'request-1' }) + "'\n\n# with a timestamp: " +
  JSON.stringify({ account: 'acme', quantity: 10, timestamp: 'YYYY-MM-DDTHH:MM:SSZ' });
poll();
`;
