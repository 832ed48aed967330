/** The style of the page: the reader's own colours and fonts, in the reader's light or dark. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 18%, transparent); --soft: color-mix(in srgb, CanvasText 5%, transparent); --dim: color-mix(in srgb, CanvasText 65%, transparent); --accent: light-dark(#0b5cad, #7cb8ff); --bad: light-dark(#a3180f, #ff9d92); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem 1.25rem 4rem; font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: center; justify-content: space-between; border-bottom: 1px solid var(--line); padding-bottom: .75rem; position: sticky; top: 0; background: Canvas; z-index: 1; }
h1 { margin: 0; font-size: 1.4rem; } h1 small { font-weight: 400; color: var(--dim); }
h2 { font-size: 1.1rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
.clock p { font-variant-numeric: tabular-nums; }
.buttons { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
button { font: inherit; padding: .25rem .7rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft); color: inherit; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--accent); } button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
article { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; margin-bottom: .8rem; }
article > header { all: unset; display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; justify-content: space-between; margin-bottom: .4rem; }
.scroll { overflow-x: auto; }
td.number, th, time { white-space: nowrap; }
tr.explained td { border-top: 0; padding-top: 0; white-space: normal; }
#imports { margin-top: .8rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; font-weight: 500; color: var(--dim); font-size: .9rem; }
td.number, th.number { text-align: right; }
.dim, small { color: var(--dim); } small { font-size: .85rem; }
.bad, #message { color: var(--bad); }
#message:empty { display: none; }
summary { cursor: pointer; color: var(--dim); font-size: .9rem; }
form { display: flex; flex-wrap: wrap; gap: .7rem; align-items: end; }
label { display: grid; gap: .15rem; font-size: .9rem; }
input:not([type=file]), select { height: 2.25rem; }
input, select { font: inherit; padding: .25rem .4rem; border: 1px solid var(--line); border-radius: .4rem; background: Field; color: FieldText; }
pre { padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
.drop { border: 2px dashed var(--line); border-radius: .6rem; padding: 1.2rem; justify-items: start; gap: .5rem; }
.drop.over { border-color: var(--accent); background: var(--soft); }
ul { margin: .2rem 0; padding-left: 1.2rem; }
@media (max-width: 44rem) {
  header { position: static; }
  thead { display: none; }
  tr { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .4rem 0; border-top: 1px solid var(--line); }
  tr.explained { border: 0; padding-top: 0; justify-content: end; }
  td { border: 0; padding: 0; }
  td[data-name] { display: flex; flex: 1 0 100%; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
  td[data-name]::before { content: attr(data-name); color: var(--dim); }
  td[data-name] > div { margin-left: auto; text-align: right; }
}
`;
