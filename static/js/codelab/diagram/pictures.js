/** The diagram as the text of a file of its own: SVG, and Mermaid for documents. Pure: rows in, text out. */
import { NAMES } from "./messages.js";
import { lanesOf } from "./rows.js";

const LANE = 200;
const ROW = 46;
const HEAD = 72;
const INK = { plain: "#15181e", bad: "#c01858", ghost: "#6b7280", line: "#c9ccd3", paper: "#fcfcfb" };
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif";

/** What stands at a message, keys included, and how often it came. */
function wordsOf({ label, step, token, stays, again }) {
  const keys = [token && `[${token} key]`, stays && `[signed with the ${stays} key, which stays]`];
  const times = again.length ? `(${again.length + 1} times)` : "";
  return [step && `${step}.`, label, ...keys, times].filter(Boolean).join(" ");
}

/** `{ text, width, height }`: an SVG that needs nothing else. */
export function svgOf(rows) {
  const lanes = lanesOf(rows);
  const [width, height] = [lanes.length * LANE, HEAD + rows.length * ROW + 24];
  const shapes = [
    `<rect width="${width}" height="${height}" fill="${INK.paper}"/>`,
    ...lanes.map((lane, place) => lifeline(lane, center(place), height)),
    ...rows.map((row, place) => message(row, lanes, HEAD + place * ROW)),
  ];
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const text = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${FONT}" font-size="13">\n<title>Web Push: the messages of a run</title>\n${shapes.join("\n")}\n</svg>\n`;
  return { text, width, height };
}

const center = (place) => (place + 0.5) * LANE;

function lifeline(lane, x, height) {
  const key = lane === "app-server" ? `<tspan x="${x}" dy="18" font-weight="400" font-size="11" fill="${INK.bad}">private key: stays here</tspan>` : "";
  return `<line x1="${x}" x2="${x}" y1="${HEAD - 16}" y2="${height - 12}" stroke="${INK.line}"/>
<text x="${x}" y="24" text-anchor="middle" font-weight="600" fill="${INK.plain}">${NAMES[lane]}${key}</text>`;
}

function message(row, lanes, top) {
  const [from, to] = [row.from, row.to].map((lane) => center(lanes.indexOf(lane)));
  const [x, y] = [(from + to) / 2, top + 28];
  const color = row.bad ? INK.bad : row.event ? INK.plain : INK.ghost;
  const words = escaped(wordsOf(row));
  const about = escaped(row.event?.summary || row.event?.kind || "Expected, and not yet happened");
  const text = `<text x="${x}" y="${top + 16}" text-anchor="middle" fill="${color}" stroke="${INK.paper}" stroke-width="5" stroke-linejoin="round" paint-order="stroke">${words}</text>`;
  return `<g><title>${about}</title>${text}${from === to ? dot(x, y, row, color) : arrow(from, to, y, row, color)}</g>`;
}

const dot = (x, y, { event }, color) =>
  `<circle cx="${x}" cy="${y}" r="3.5" fill="${event ? color : INK.paper}" stroke="${color}"/>`;

function arrow(from, to, y, { event }, color) {
  const back = to > from ? -9 : 9;
  const dashes = event ? "" : ' stroke-dasharray="4 4"';
  return `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="1.25"${dashes}/><path d="M${to} ${y}l${back} -4.5v9z" fill="${color}"/>`;
}

/** What turns the direction of the text after it, or has no shape. */
const seen = (text) => text.replace(/\p{Cf}/gu, "");

/** Text of others in XML: characters that mean something there, and those that XML has no room for. */
const escaped = (text) =>
  seen(text).replace(/[^\P{Cc}\t]|\p{Cs}|[\ufffe\uffff]/gu, " ").replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** A sequence diagram for https://mermaid.js.org. What has not happened is not in it. */
export function mermaidOf(rows) {
  const lanes = lanesOf(rows);
  const names = new Map(lanes.map((lane) => [lane, lane.replace("-", "_")]));
  const lines = rows.filter(({ event }) => event).map((row) => {
    const words = plain(wordsOf(row));
    const [from, to] = [names.get(row.from), names.get(row.to)];
    return from === to ? `Note over ${from}: ${words}` : `${from}->>${to}: ${words}`;
  });
  const heads = lanes.map((lane) => `participant ${names.get(lane)} as ${NAMES[lane]}`);
  return `sequenceDiagram\n${[...heads, ...lines].map((line) => `  ${line}\n`).join("")}`;
}

/** Mermaid's own signs by their numbers (`%%{` begins a directive), each message in one line. */
const plain = (text) => seen(text).replace(/\s+/g, " ").replace(/[#;<>%{}]/g, (char) => `#${char.charCodeAt(0)};`);
