/** Saves the diagram as a file: "svg", "png" or "mermaid". */
import { mermaidOf, svgOf } from "./pictures.js";

/** A browser draws no larger canvas: pixels along its longer side. */
const LARGEST = 16_000;

export async function save(rows, format) {
  const [blob, ending] = await { svg, png, mermaid }[format](rows);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `pushlab-run.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const svg = (rows) => [new Blob([svgOf(rows).text], { type: "image/svg+xml" }), "svg"];
const mermaid = (rows) => [new Blob([mermaidOf(rows)], { type: "text/plain" }), "mmd"];

async function png(rows) {
  const { text, width, height } = svgOf(rows);
  const picture = new Image();
  picture.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await picture.decode();
  const scale = Math.min(2, LARGEST / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return [await new Promise((done) => canvas.toBlob(done, "image/png")), "png"];
}
