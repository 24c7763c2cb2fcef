/** Sections of an event's material (see sections.js) as elements. All text is text: nothing of it runs. */
import { hex } from "./bytes.js";

export function draw({ title, note, rows = [], text, parts = [], sealed }) {
  const section = make("section", "material");
  section.append(make("h3", "material__title", title));
  if (text) section.append(make("pre", "material__text", visible(text)));
  if (rows.length) section.append(table(rows));
  if (parts.length) section.append(bytes(parts));
  if (sealed) section.append(make("p", "material__sealed", sealed));
  if (note) section.append(make("p", "quiet", note));
  section.classList.toggle("material--wide", parts.length > 3);
  return section;
}

function table(rows) {
  const list = make("dl", "material__rows");
  for (const [name, value] of rows) {
    const row = list.appendChild(document.createElement("div"));
    row.append(make("dt", "", name), make("dd", "", visible(String(value))));
  }
  return list;
}

/** Each part with its name, its length and its bytes. Hook for tests: `data-part-name`. */
function bytes(parts) {
  const list = make("dl", "octets");
  for (const { name, means, octets } of parts) {
    const row = list.appendChild(document.createElement("div"));
    row.dataset.partName = name;
    const head = make("dt", "octets__name", name);
    head.append(make("span", "octets__means", `${octets.length} ${octets.length === 1 ? "byte" : "bytes"}: ${means}`));
    row.append(head, make("dd", "octets__hex", hex(octets)));
  }
  return list;
}

/** What has no shape, or turns the direction of what follows, is shown by its number. */
const visible = (text) =>
  text.replace(/\p{Cf}/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

function make(name, className, text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}
