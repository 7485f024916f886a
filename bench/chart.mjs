// Renders docs/performance.svg: one line per operation, and one dot per implementation, on a logarithmic scale relative
// to node:fs. The SVG has its own background and both colour schemes.

import { rows } from './rows.mjs';

const LABELS = 292;
const PANEL = 300;
const GAP = 26;
const LINE = 21;
const TOP = 108;
const BOTTOM = 34;
const TICKS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];

const SERIES = [
  { id: 'holdfast', name: 'holdfast', shape: 'dot' },
  { id: 'floor', name: 'system calls alone (Rust)', shape: 'bar' },
  { id: 'fs-safe', name: '@openclaw/fs-safe', shape: 'square' },
  { id: 'write-file-atomic', name: 'write-file-atomic', shape: 'diamond' },
  { id: 'atomically', name: 'atomically', shape: 'triangle' },
  { id: 'many', name: 'writeAtomicMany', shape: 'ring' },
];

const STYLE = `
  .card { fill: #ffffff; stroke: #d0d7de; } text { fill: #1f2328; font: 12px system-ui, sans-serif; }
  .quiet { fill: #59636e; } .title { font-size: 15px; font-weight: 600; } .grid { stroke: #d8dee4; } .unity { stroke: #59636e; stroke-width: 1.5; }
  .band { fill: #f6f8fa; } .link { stroke: #0969da; stroke-width: 2; opacity: .45; } .target { stroke: #bc4c00; stroke-width: 2; }
  .holdfast { fill: #0969da; } .many { fill: none; stroke: #0969da; stroke-width: 2; } .floor { fill: #59636e; }
  .fs-safe { fill: #8250df; } .write-file-atomic { fill: #bf8700; } .atomically { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d; } text { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #21262d; } .unity { stroke: #9198a1; }
    .band { fill: #151b23; } .link { stroke: #4493f8; } .target { stroke: #f0883e; } .holdfast { fill: #4493f8; } .many { stroke: #4493f8; }
    .floor { fill: #9198a1; } .fs-safe { fill: #ab7df8; } .write-file-atomic { fill: #d29922; } .atomically { fill: #3fb950; }
  }`;

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const round = (value) => Math.round(value * 10) / 10;

function mark({ id, shape }, x, y, title = '') {
  const hint = title && `<title>${escape(title)}</title>`;
  const shapes = {
    dot: `<circle class="${id}" cx="${x}" cy="${y}" r="5.5">${hint}</circle>`,
    ring: `<circle class="${id}" cx="${x}" cy="${y}" r="5">${hint}</circle>`,
    bar: `<rect class="${id}" x="${x - 1}" y="${y - 6}" width="2.5" height="12">${hint}</rect>`,
    square: `<rect class="${id}" x="${x - 4}" y="${y - 4}" width="8" height="8">${hint}</rect>`,
    diamond: `<path class="${id}" d="M${x} ${y - 5}l5 5l-5 5l-5-5z">${hint}</path>`,
    triangle: `<path class="${id}" d="M${x} ${y - 5}l5 9h-10z">${hint}</path>`,
  };
  return shapes[shape];
}

/** Returns the position of a ratio. Clamps ratios beyond the ends of the scale. */
function scaleAt(left) {
  const [low, high] = [0.015, 30].map(Math.log);
  return (ratio) => round(left + (PANEL * (Math.min(high, Math.max(low, Math.log(ratio))) - low)) / (high - low));
}

/** Returns the candidate of the package: a plain call, or the method where only a Root has it. */
function ownOf({ candidates }) {
  return candidates.find(({ id }) => id === 'holdfast') ?? candidates.find(({ id }) => id === 'root');
}

/** Returns whether a row has a place in the chart: other rows are relative to a peer. */
const isCharted = (row) => row.candidates.some(({ id }) => id === 'node') && ownOf(row) !== undefined;

function panel(left, name, rows, height) {
  const x = scaleAt(left);
  const parts = [`<text class="title" x="${left}" y="${TOP - 22}">${escape(name)}</text>`];
  for (const tick of TICKS) {
    parts.push(
      `<line class="${tick === 1 ? 'unity' : 'grid'}" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${height - BOTTOM + 4}"/>`,
      `<text class="quiet" x="${x(tick)}" y="${height - BOTTOM + 18}" text-anchor="middle">${tick}</text>`,
    );
  }
  rows.forEach((row, index) => {
    if (!row) return;
    const y = TOP + index * LINE + LINE / 2;
    const own = ownOf(row);
    parts.push(`<line class="link" x1="${x(1)}" x2="${x(own.ratio.median)}" y1="${y}" y2="${y}"/>`);
    const limit = row.targets.find(({ candidate, against }) => candidate === own.id && against === 'node')?.limit;
    if (limit) parts.push(`<path class="target" d="M${x(limit)} ${y - 8}v16"><title>to reach: ${limit}</title></path>`);
    for (const series of [...SERIES].reverse()) {
      const candidate = series.id === 'holdfast' ? own : row.candidates.find(({ id }) => id === series.id);
      if (candidate) parts.push(mark(series, x(candidate.ratio.median), y, `${series.name}: ${candidate.ratio.median.toFixed(2)}`));
    }
  });
  return parts.join('\n');
}

function legend(shown) {
  let x = 20;
  const items = SERIES.filter(({ id }) => shown.has(id)).map((series) => {
    const item = `${mark(series, x, 52)}<text x="${x + 11}" y="56">${escape(series.name)}</text>`;
    x += 34 + series.name.length * 6.6;
    return item;
  });
  return `${items.join('\n')}\n<path class="target" d="M${round(x)} 44v16"/><text x="${round(x + 8)}" y="56">to reach</text>`;
}

/**
 * Renders the chart.
 *
 * @param {{ results: any[], places: { place: string, type: string }[], nodes: string[] }} run
 * @returns {string}
 */
export function renderChart({ results, places, nodes }) {
  // The median of the measured lines, which most people run.
  const node = nodes[Math.floor(nodes.length / 2)];
  const ofNode = results.filter((row) => row.node === node && isCharted(row));
  const titles = new Map(rows.filter(({ id }) => ofNode.some((row) => row.id === id)).map(({ id, title }) => [id, title]));
  const height = TOP + titles.size * LINE + BOTTOM;
  const width = LABELS + places.length * (PANEL + GAP);
  const shown = new Set(ofNode.flatMap(({ candidates }) => candidates.map(({ id }) => id)));
  const labels = [...titles.values()].map((title, index) => {
    const top = TOP + index * LINE;
    const band = index % 2 === 0 ? `<rect class="band" x="8" y="${top}" width="${width - 16}" height="${LINE}"/>` : '';
    return `${band}<text x="${LABELS - 14}" y="${top + 15}" text-anchor="end">${escape(title)}</text>`;
  });
  const panels = places.map(({ place, type }, index) => {
    const measured = [...titles.keys()].map((id) => ofNode.find((row) => row.id === id && row.place === place));
    return panel(LABELS + index * (PANEL + GAP), type, measured, height);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Time relative to node:fs">
<style>${STYLE}
</style>
<rect class="card" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="6"/>
<text class="title" x="20" y="28">Time relative to node:fs by hand (1), Node ${node}; further left is faster</text>
${legend(shown)}
${labels.join('\n')}
${panels.join('\n')}
</svg>
`;
}
