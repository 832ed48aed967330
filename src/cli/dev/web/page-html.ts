/** The page. What changes is filled in by its script; nothing is written into this text. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tallybook dev: behind the scenes</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
  <h1>Tallybook <small>dev, behind the scenes</small></h1>
  <a href="/">The customer’s page</a>
  <div class="clock">
    <p>Clock: <time id="now">…</time> UTC <span id="moving" role="status"></span></p>
    <div class="buttons" role="group" aria-label="Move the clock">
      <button type="button" data-move="hour">+ 1 hour</button>
      <button type="button" data-move="day">+ 1 day</button>
      <button type="button" data-move="period_end">To the end of the billing period</button>
    </div>
  </div>
</header>
<p id="message" role="alert"></p>
<main>
  <section aria-labelledby="accounts-title">
    <h2 id="accounts-title">Accounts</h2>
    <div id="accounts"><p>Loading …</p></div>
    <div class="buttons"><button type="button" id="first" hidden>First accounts</button>
    <button type="button" id="more" hidden>More accounts</button></div>
  </section>
  <section aria-labelledby="meter-title">
    <h2 id="meter-title">Meter usage</h2>
    <form id="meter">
      <label>Account <input name="account" value="acme" required maxlength="255" autocomplete="off"></label>
      <label>Meter <select name="meter"><option>credits</option><option>tokens</option></select></label>
      <label>Quantity <input name="quantity" value="10" required inputmode="numeric" pattern="[0-9]+" autocomplete="off"></label>
      <label>Idempotency key <input name="idempotency_key" maxlength="255" placeholder="none" autocomplete="off"></label>
      <button type="submit">Count it</button>
      <output id="metered"></output>
    </form>
    <p>The same from a terminal:</p>
    <pre id="curl" tabindex="0"></pre>
  </section>
  <section aria-labelledby="import-title">
    <h2 id="import-title">Import a file</h2>
    <label id="drop" class="drop">Drop a CSV file here, or choose one
      <input type="file" id="file" accept=".csv,text/csv">
      <small>Columns: account, quantity and if you like timestamp, idempotency_key, meter. Traces of language models
      with TIMESTAMP, ContextTokens, GeneratedTokens are recognised too. The same file again counts once.</small>
    </label>
    <div id="imports" aria-live="polite"></div>
  </section>
  <section aria-labelledby="invoices-title">
    <h2 id="invoices-title">Invoices</h2>
    <p>As the simulated Stripe at <code id="stripe"></code> shows them.</p>
    <div id="invoices"><p>Loading …</p></div>
  </section>
</main>
</body>
</html>
`;
