/** The page's colours, light and dark, told apart by lightness as well as by hue. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f8fa; --text: #1f2328; --soft: #59636e; --line: #d9dee4; --grid: #e8ebef;
  --size: #0b5cad; --use: #d9730d; --limit: #c4232f; --bar: #4c7fb0; --gap: #00000010; --warn: #9a4a00;
  --fill0: #0b5cad; --fill1: #d9730d; --fill2: #2c8f4e; --fill3: #a82c74; --fill4: #7d56c2; --fill5: #b5930f;
  --fill6: #1b8ea2; --others: #7d8792;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101418; --card: #191f25; --text: #e6e9ec; --soft: #9aa5b1; --line: #323b45; --grid: #252d35;
    --size: #6cb0f5; --use: #f2a65a; --limit: #ff7b7b; --bar: #5b8fc4; --gap: #ffffff12; --warn: #f2b26b;
    --fill0: #6cb0f5; --fill1: #f2a65a; --fill2: #6cc98a; --fill3: #e57fb8; --fill4: #b195ec; --fill5: #dcc552;
    --fill6: #5cc3d6; --others: #8d98a4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.5rem 3rem; max-width: 70rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; font-weight: 600; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1.05rem; font-weight: 600; }
p { margin: .3rem 0; }
.soft { color: var(--soft); overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
dl div { padding: .7rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dd small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; }
figure { margin: 2rem 0 0; }
figcaption { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; align-items: baseline; }
.key { color: var(--soft); font-size: .85rem; }
.key::before { content: ""; display: inline-block; width: 1.2em; margin-right: .4em; vertical-align: middle; border-top: 3px solid var(--key); }
.key.size { --key: var(--size); }
.key.use { --key: var(--use); }
.key.limit { --key: var(--limit); }
.key.limit::before { border-top-style: dashed; border-top-width: 2px; }
.key.bar { --key: var(--bar); }
.key.bar::before { width: .8em; border-top-width: .8em; }
${[0, 1, 2, 3, 4, 5, 6].map((n) => `.fill${n} { --key: var(--fill${n}); }`).join(' ')}
.others { --key: var(--others); }
.key.past { --key: var(--soft); }
.key.past::before { opacity: .45; }
.key.fill::before { width: .8em; border-top-width: .8em; }
.wide { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 40rem; height: auto; margin-top: .4rem; font-size: 12px; }
svg text { fill: var(--soft); font-variant-numeric: tabular-nums; }
.value { text-anchor: end; }
.date, .mark { text-anchor: middle; }
.mark, .days { font-weight: 600; }
.grid { stroke: var(--grid); }
.tick { stroke: var(--soft); }
.gap { fill: var(--gap); }
.problem { fill: var(--warn); }
.unknown { text-anchor: middle; }
.restart { stroke: var(--warn); stroke-dasharray: 2 3; stroke-width: 1.5; }
.line { fill: none; stroke: var(--key); stroke-width: 1.8; stroke-linejoin: round; }
circle { fill: var(--key); }
.band { fill: var(--key); stroke: var(--page); stroke-width: .3; stroke-linejoin: round; }
.band.past { fill-opacity: .45; }
g.size { --key: var(--size); }
g.use { --key: var(--use); }
.limit { fill: none; stroke: var(--limit); stroke-width: 1.6; stroke-dasharray: 7 5; }
.bar { fill: var(--bar); }
.bar.average { fill-opacity: .4; }
.tip rect { fill: transparent; }
.tip line { stroke: var(--soft); visibility: hidden; }
.tip:hover line { visibility: visible; }
h2.table { margin: 2.2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .45rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
td:last-child { white-space: normal; min-width: 14rem; overflow-wrap: anywhere; color: var(--warn); }
tr.future { opacity: .65; }
`;
